"""A database as an older revision left it, and every row in it."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import inspect, make_url, text
from stored_alerts import another_program

from storage import migrations
from storage.sqlite_file import SqliteFile

Rows = dict[str, list[dict[str, Any]]]
AUDIT = frozenset({"audit", "audit_head"})


def move(url: str, step: Callable[[Config, str], None], revision: str) -> None:
    """Bring the database up or down to this revision, as alembic does it."""
    if make_url(url).get_backend_name() == "sqlite":
        file = SqliteFile(make_url(url))
        file.create_directory()
        file.create()
    config = Config()
    config.set_main_option("script_location", str(Path(migrations.__file__).parent))
    with another_program(url).begin() as conn:
        config.attributes["connection"] = conn
        step(config, revision)


def old(url: str, revision: str, rows: Sequence[str]) -> None:
    """Make a database of this revision with these rows in it."""
    move(url, command.upgrade, revision)
    with another_program(url).begin() as conn:
        for each in rows:
            conn.execute(text(each))


def stored(url: str, *, without: frozenset[str] = frozenset()) -> Rows:
    """Every row of every table but these, by its columns."""
    with another_program(url).begin() as conn:
        return {
            table: sorted(
                (dict(row._mapping) for row in conn.execute(text(f"SELECT * FROM {table}"))), key=str
            )
            for table in inspect(conn).get_table_names()
            if table not in {"alembic_version", *without}
        }
