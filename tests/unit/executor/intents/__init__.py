"""Tests of `warden/executor/intents/`."""
