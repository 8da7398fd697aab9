"""Monitoring windows: opened by people and approved starts, fed by the looks that are made anyway, ended by rules."""
