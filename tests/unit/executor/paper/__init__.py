"""Tests of `warden/executor/paper/`."""
