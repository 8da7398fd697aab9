"""Probes: read-only, bounded looks at the fleet, its host and its files; each says what it saw, when and where."""
