"""Pure tests of warden.strategies."""
