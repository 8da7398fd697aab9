"""What raises risk, from being asked to being decided: the second admin's part."""
