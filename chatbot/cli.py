"""The command line; what a command needs is imported when it runs, so that each starts quickly."""

import asyncio
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NoReturn

import click

from chatbot import cli_handbook, cli_recoveries, cli_second, cli_totp

if TYPE_CHECKING:
    from config.settings import Settings

BY_HAND = (
    "Stop the fleet by hand: curl -X POST {url}/kill-switch -H 'Content-Type: application/json'{token} "
    '-d \'{{"action":"activate","reason":"emergency stop"}}\''
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def chatbot() -> None:
    """Stop a trading fleet from Slack, look at it, and keep a record nobody can quietly change."""


def main() -> NoReturn:
    """Run the command line and end the process."""
    chatbot(prog_name="chatbot")
    sys.exit(0)  # not reached: click ends the process itself


@chatbot.command()
def serve() -> None:
    """Run the bot."""
    settings = _settings(to_serve=True)
    from chatbot.app import serve as run
    from config.mistakes import SettingsError
    from storage.database import StorageError

    try:
        sys.exit(asyncio.run(run(settings)))
    except SettingsError as error:
        _mistakes(error.mistakes)
    except StorageError as error:
        _fail(str(error), code=2)


@chatbot.command()
@click.option("--port", default=0, type=click.IntRange(0, 65535), help="Port of the page (0: any free one).")
@click.option("--http", "http_mode", is_flag=True, help="Let Slack come by HTTP instead of Socket Mode.")
@click.option("--no-bot", is_flag=True, help="Only the two servers; prints what a bot needs to use them.")
def sandbox(port: int, http_mode: bool, no_bot: bool) -> None:
    """Try the bot between a local Slack and a reference fleet: no accounts, no network."""
    from chatbot.sandbox.run import run

    sys.exit(run(port=port, http_mode=http_mode, serve_bot=not no_bot))


@chatbot.command()
def doctor() -> None:
    """Check everything the bot needs, and say what to do where something is wrong."""
    from chatbot.doctor import examine

    sys.exit(asyncio.run(examine(os.environ, say=click.echo)))


@chatbot.command()
@click.option("--http", "url", metavar="URL", help="Public base address, for HTTP mode (else Socket Mode).")
def manifest(url: str | None) -> None:
    """Print the manifest that makes the Slack app."""
    import json

    from chatbot.manifest import manifest as build
    from commands import COMMANDS
    from commands.spec import UserError

    settings = _settings()
    try:
        made = build(COMMANDS, settings.slack.root_command, socket_mode=url is None, url=url)
    except UserError as error:
        _fail(str(error), code=2)
    click.echo(json.dumps(made, indent=2, ensure_ascii=False))


@chatbot.command()
def migrate() -> None:
    """Bring the database to this program's version."""
    settings = _settings()
    from storage.database import Database, StorageError

    async def run() -> None:
        database = Database(settings.database.url)
        try:
            await database.prepare()
        finally:
            await database.close()

    try:
        asyncio.run(run())
    except StorageError as error:
        _fail(str(error))
    click.echo("The database is at this program's version.")


@chatbot.command()
@click.option("--reason", default="", help="Why; goes to the coordinator and into the audit.")
@click.argument("words", nargs=-1)
def kill(reason: str, words: tuple[str, ...]) -> None:
    """Stop the whole fleet now. No question is asked; further words are taken as the reason."""
    settings, warnings = _settings_for_stopping()
    url = settings.coordinator.url
    by_hand = _by_hand(url, token=settings.coordinator.token is not None)
    try:
        from chatbot import logs, terminal

        logs.configure(settings.log.format, "error")  # the command itself says what happens
        why = " ".join((reason, *words)).strip()
        code = asyncio.run(terminal.kill(settings, warnings, reason=why, say=click.echo))
    except KeyboardInterrupt:
        _fail(
            "Interrupted before the fleet was seen stopped. A bot that serves from this same database goes on with it; "
            f"if none runs, nothing more is sent. Look with `chatbot status`. {by_hand}"
        )
    except Exception as error:  # noqa: BLE001 - whatever it was: at this moment the way out counts, not the trace
        from commands.masking import masked_text

        _fail(
            f"This program could not stop the fleet ({type(error).__name__}: {masked_text(str(error))}). {by_hand}"
        )
    if code:
        click.echo(by_hand, err=True)
    sys.exit(code)


@chatbot.command()
@click.option("--json", "as_json", is_flag=True, help="As JSON.")
def status(as_json: bool) -> None:
    """Show the fleet."""
    settings, warnings = _settings_for_stopping()
    from chatbot import logs, terminal
    from storage.database import StorageError

    for warning in warnings:
        click.echo(f"Note: {warning}", err=True)
    logs.configure(settings.log.format, "warning")
    try:
        sys.exit(asyncio.run(terminal.status(settings, as_json=as_json, say=click.echo)))
    except StorageError as error:
        _fail(str(error), code=2)


@chatbot.group()
def audit() -> None:
    """The record: prove that nobody changed it, and hand it out."""


def _head(_context: click.Context, _parameter: click.Parameter, text: str | None) -> tuple[int, str] | None:
    if text is None:
        return None
    seq, _, digest = text.strip().lower().partition(":")
    seq = seq.removeprefix("#")
    if not (seq.isdecimal() and 12 <= len(digest) <= 64 and set(digest) <= set("0123456789abcdef")):
        raise click.BadParameter(
            "write it as on a card: the row's number, a colon and 12 or more digits of its hash."
        )
    return int(seq), digest


@audit.command("verify")
@click.option(
    "--expect", metavar="SEQ:HASH", callback=_head, help="A head noted elsewhere, as posted to Slack."
)
def audit_verify(expect: tuple[int, str] | None) -> None:
    """Check the whole chain: 0 when it is whole, 1 when somebody changed it, 2 when it cannot be read."""
    settings = _settings()
    from chatbot import auditing
    from storage.database import Database, StorageError

    async def run() -> int:
        database = Database(settings.database.url)
        try:
            return await auditing.verify(database, expect=expect, say=click.echo)
        finally:
            await database.close()

    try:
        sys.exit(asyncio.run(run()))
    except StorageError as error:
        _fail(str(error), code=2)


@audit.command("export")
@click.option(
    "--format", "style", type=click.Choice(["json", "csv"]), default="json", help="JSON Lines or CSV."
)
@click.option("--output", type=click.Path(path_type=Path), help="A new file instead of standard output.")
def audit_export(style: Literal["json", "csv"], output: Path | None) -> None:
    """Write every row, oldest first."""
    settings = _settings()
    from chatbot import auditing
    from storage.database import Database, StorageError

    async def run() -> int:
        database = Database(settings.database.url)
        try:
            if output is None:
                return await auditing.export(database, style=style, out=sys.stdout)
            with auditing.new_file(output) as file:
                return await auditing.export(database, style=style, out=file)
        finally:
            await database.close()

    try:
        count = asyncio.run(run())
    except StorageError as error:
        _fail(str(error), code=2)
    except OSError as error:
        _fail(
            f"{output or 'Standard output'} cannot be written ({error.strerror}), so nothing was kept.",
            code=2,
        )
    if output is not None:
        click.echo(f"{count} rows written to {output}.")


for second in (*cli_second.COMMANDS, cli_totp.totp, cli_recoveries.recoveries, cli_handbook.handbook):
    chatbot.add_command(second)


def _settings(*, to_serve: bool = False) -> "Settings":
    """The settings, or the end of the process with every mistake in them."""
    from config.loading import SettingsError, load

    try:
        return load(os.environ, to_serve=to_serve)
    except SettingsError as error:
        _mistakes(error.mistakes)


def _settings_for_stopping() -> "tuple[Settings, tuple[str, ...]]":
    from config.loading import SettingsError, load_for_stopping

    try:
        return load_for_stopping(os.environ)
    except SettingsError as error:
        click.echo(f"Nothing was sent. {_by_hand('http://COORDINATOR', token=True)}", err=True)
        _mistakes(error.mistakes)


def _by_hand(url: str, *, token: bool) -> str:
    return BY_HAND.format(url=url, token=" -H 'Authorization: Bearer TOKEN'" if token else "")


def _mistakes(mistakes: tuple[str, ...]) -> NoReturn:
    click.echo("The settings cannot be used as they are:", err=True)
    for mistake in mistakes:
        click.echo(f"- {mistake}", err=True)
    sys.exit(2)


def _fail(sentence: str, *, code: int = 1) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(code)
