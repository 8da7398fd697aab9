"""Alerts: from what a source says to a message, its owner and its end."""
