"""What crosses a socket: messages, their encoding, and who may connect where."""
