"""Tests of warden.runtime."""
