"""Side effects that processes share: bus, journal, latch, clock, settings, logs, process frame."""
