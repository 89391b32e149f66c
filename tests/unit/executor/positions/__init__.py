"""Tests of `warden/executor/positions/`."""
