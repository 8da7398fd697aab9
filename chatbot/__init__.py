"""The bot itself: Slack on one side, the commands on the other, durable state below."""
