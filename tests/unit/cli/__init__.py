"""Unit tests of warden/cli, one file per module."""
