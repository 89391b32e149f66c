"""The api's rules."""
