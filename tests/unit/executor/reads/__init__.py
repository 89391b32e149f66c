"""Tests of `warden/executor/reads/`."""
