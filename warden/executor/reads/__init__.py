"""What the executor reads of the chain: through the gateway, on the reader's thread, simulations included."""
