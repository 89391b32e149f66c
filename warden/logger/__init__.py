"""Writes down what every process says, and witnesses the heads of the journals."""
