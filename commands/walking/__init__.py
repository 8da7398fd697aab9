"""The rules of a guided recovery: which runbook fits, what its steps are, and when one of them is verified."""
