"""`chatbot recoveries`: what happened and what was learned, from a terminal."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from sqlalchemy import Connection

    from commands.recovering.export import Whole

T = TypeVar("T")


@click.group()
def recoveries() -> None:
    """Recovery logs: list, show, hand out, count."""


@recoveries.command("list")
@click.argument("words", nargs=-1)
def listed(words: tuple[str, ...]) -> None:
    """List the newest logs, those of one bot or those that hold a text."""
    from storage import recoveries as stored

    def query(conn: "Connection") -> list[str]:
        typed = " ".join(words)
        rows, many = stored.listed(conn, bot=typed or None, limit=50)
        if not typed or not rows:
            rows, many = stored.listed(conn, text=typed, limit=50)
        lines = [
            f"{each.id:>5}  {each.began_at:%Y-%m-%d %H:%M}  {each.state:6}  {_line(each.bot or 'fleet'):12}  "
            f"{_line(each.scenario):16}  {_line(each.issue)[:60]}"
            for each in rows
        ]
        return lines + ([f"... and {many - len(rows)} more"] if many > len(rows) else [])

    for line in _read(query) or ["No recovery log."]:
        click.echo(line)


@recoveries.command("show")
@click.argument("number", type=click.IntRange(1))
def show(number: int) -> None:
    """Show one log in full."""
    from commands.recovering.export import to_markdown

    found = _read(lambda conn: _whole(conn, (number,)))
    if not found:
        _fail(f"There is no recovery log {number}: `chatbot recoveries list` lists them.", code=1)
    click.echo(to_markdown(found), nl=False)


@recoveries.command("export")
@click.option("--format", "style", type=click.Choice(["md", "json", "csv"]), default="md")
@click.option("--output", type=click.Path(path_type=Path), help="A new file instead of standard output.")
@click.argument("numbers", nargs=-1, type=click.IntRange(1))
def export(style: Literal["md", "json", "csv"], output: Path | None, numbers: tuple[int, ...]) -> None:
    """Hand out all logs, or those of these numbers, as Markdown, JSON or CSV."""
    from chatbot.auditing import new_file
    from commands.recovering import export as exports

    found = _read(lambda conn: _whole(conn, numbers))
    missing = set(numbers) - {each.log.id for each in found}
    if missing:
        _fail(f"There is no recovery log {min(missing)}, so nothing was handed out.", code=1)
    write = {"md": exports.to_markdown, "json": exports.to_json, "csv": exports.to_csv}[style]
    if output is None:
        click.echo(write(found), nl=False)
        return
    try:
        with new_file(output) as file:
            file.write(write(found))
    except OSError as error:
        _fail(f"{output} cannot be written ({error.strerror}), so nothing was kept.")
    click.echo(f"{len(found)} logs written to {output}.")


@recoveries.command("trends")
def trends() -> None:
    """Count the logs by scenario, with the mean times to stop and to recover."""
    from commands.recovering.export import table
    from commands.recovering.trends import trends as counted
    from storage import recoveries as stored

    click.echo(table(counted(_read(stored.every))))


def _whole(conn: "Connection", numbers: tuple[int, ...]) -> "list[Whole]":
    from commands.recovering.export import Whole
    from storage import recoveries as stored

    return [
        Whole(log=each, corrections=stored.corrections(conn, each.id), items=stored.items(conn, each.id))
        for each in stored.every(conn)
        if not numbers or each.id in numbers
    ]


def _line(text: str) -> str:
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())


def _read(query: "Callable[[Connection], T]") -> T:
    """What the query finds; the process ends with a sentence when it cannot be known."""
    from config.loading import SettingsError, load
    from storage.database import Database, StorageError

    try:
        settings = load(os.environ)
    except SettingsError as error:
        _fail("The settings cannot be used as they are: " + "; ".join(error.mistakes))

    async def run() -> T:
        database = Database(settings.database.url)
        try:
            return await database.read(query)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except StorageError as error:
        _fail(str(error))


def _fail(sentence: str, *, code: int = 2) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(code)
