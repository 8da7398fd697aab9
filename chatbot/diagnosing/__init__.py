"""Looking closer: reports of probes, logs, configuration, evidence, and named programs on the fleet's host."""
