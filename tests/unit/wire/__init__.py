"""Tests of warden.wire."""
