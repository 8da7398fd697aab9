"""Versions of the database; the newest is known here without importing alembic."""

REVISIONS = ("0001", "0002", "0003", "0004", "0005", "0006")
"""Every revision this program knows, oldest first; one that is not here was made by a newer program."""

HEAD = REVISIONS[-1]
