"""What a clone is worked with: set-up, checks, benchmarks, locks. Not part of the installed package."""
