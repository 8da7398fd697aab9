"""Durable state: one file per thing, each with its table and its verbs."""
