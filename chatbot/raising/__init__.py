"""What raises risk, from being approved to being read back: the runs."""
