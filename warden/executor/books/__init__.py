"""What the journal's rows come to: book, positions, settlement, and what the risk rules are told."""
