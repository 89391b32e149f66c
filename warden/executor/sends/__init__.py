"""How a transaction leaves: drafts, allowances, the key, the gate's last look, legs, what is sent again."""
