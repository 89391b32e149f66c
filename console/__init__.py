"""The operator's screen. It sees messages, rules and the operator's link, nothing that acts but the stop."""
