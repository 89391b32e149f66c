"""Warden: a safety system that stands outside the on-chain trading bot it guards."""

__version__ = "0.1.0"
