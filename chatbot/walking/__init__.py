"""Guided recovery: a runbook walked together in a thread, each step seen or asserted, over restarts."""
