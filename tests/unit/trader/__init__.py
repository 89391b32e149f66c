"""Pure tests of warden.trader."""
