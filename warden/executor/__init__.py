"""The gate: risk rules, the key, nonces; the only process that can sign or send."""
