"""The watchdog: liveness, the one authority over the mode, the permit, and the end of a hung trader."""
