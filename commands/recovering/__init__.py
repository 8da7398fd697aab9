"""The recovery log without Slack: what is written down, how it is told, counted and handed out."""
