"""Positions against the chain, and how they are left."""
