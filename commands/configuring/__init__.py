"""The fleet's configuration files: read and checked, compared, kept and put back."""
