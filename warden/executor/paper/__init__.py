"""The outside on paper: fills from real blocks, and nothing is sent (EX4)."""
