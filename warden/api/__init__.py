"""GET-only HTTP: health and metrics for monitors. It imports nothing that can trade or act."""
