"""Tests of `warden/executor/books/`."""
