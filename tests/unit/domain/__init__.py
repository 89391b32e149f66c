"""Pure tests of warden.domain."""
