"""What people see in Slack: data in, messages out, no I/O."""
