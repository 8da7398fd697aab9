"""Settings: what the operator decided, read once at start."""
