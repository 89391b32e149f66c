"""What `scripts/test` runs: linters, types, import contracts, tests."""
