"""Tests of what an operator's programs share."""
