"""Tests of Warden: real processes, real sockets, a real chain."""
