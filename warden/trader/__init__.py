"""Runs the user's strategy: feeds it blocks and reserves, hands its proposals to the gate, holds nothing."""
