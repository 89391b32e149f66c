"""What strategies and bots want, on its way through the rules to a draft."""
