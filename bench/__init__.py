"""What `make bench` runs: this bot against a minimal script, in one run on one machine."""
