"""The rules of monitoring windows, pure: what is read of the fleet, how much of it, and what that means."""
