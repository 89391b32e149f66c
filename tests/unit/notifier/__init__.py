"""The notifier's rules."""
