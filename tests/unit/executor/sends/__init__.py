"""Tests of `warden/executor/sends/`."""
