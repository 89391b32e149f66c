"""Tests of the gateway's parts, without a chain."""
