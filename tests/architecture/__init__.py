"""What holds for the code as a whole, where neither the type checker nor the import contracts can say it."""
