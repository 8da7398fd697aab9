"""`chatbot totp`: who approves with a code, enrolled on the bot's host."""

import asyncio
import getpass
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn, TypeVar

import click

if TYPE_CHECKING:
    from chatbot.totp import Codes, Enrolment
    from config.settings import Settings
    from storage.database import Database

T = TypeVar("T")


@click.group("totp")
def totp() -> None:
    """Codes of authenticator apps, for approving with more than a Slack session."""


@totp.command()
def key() -> None:
    """Print a new key that encrypts the secrets of the codes."""
    from chatbot.totp import fresh_key

    click.echo(fresh_key())
    click.echo(
        "Set it as CHATBOT_TOTP__KEY in the bot's environment, and keep it out of the database's backups.",
        err=True,
    )


@totp.command()
@click.argument("person", metavar="SLACK_ID")
@click.option("--replace", is_flag=True, help="Make the codes worthless that the person has now.")
@click.option("--no-confirm", is_flag=True, help="Do not ask for a first code.")
def enroll(person: str, *, replace: bool, no_confirm: bool) -> None:
    """Enrol the authenticator of an admin: shows its secret once, as text and as a QR code."""

    async def draw(settings: "Settings", codes: "Codes", _: "Database") -> "Enrolment":
        from commands.spec import UserError

        if person not in settings.roles.admins:
            raise UserError(
                f"{person} is no admin by the configuration: add it to roles.admins first. Nothing was done."
            )
        await codes.check(person, replace=replace)
        return codes.drawn(person)

    enrolment = _run(draw)
    click.echo(enrolment.qr)
    click.echo(f"Secret: {enrolment.secret}")
    click.echo(f"Address: {enrolment.uri}")
    click.echo("It is shown this once. Take it into the authenticator now.")
    # asked for outside of any loop: inside one, Ctrl-C would not end the waiting for a line
    code = None if no_confirm else str(click.prompt("The six digits it shows now"))

    async def store(settings: "Settings", codes: "Codes", _: "Database") -> None:
        from commands.spec import UserError

        if code is not None and not codes.shows(enrolment, code):
            raise UserError("That is not what it should show, so nothing was enrolled: try again.")
        await codes.enroll(
            person, enrolment, by=f"terminal:{getpass.getuser()}", replace=replace, ops=settings.channels.ops
        )
        click.echo(f"Enrolled for {person}.")

    _run(store)


@totp.command("list")
def list_() -> None:
    """Show who has an authenticator enrolled, since when and by whom."""

    async def work(_: "Settings", __: "Codes", database: "Database") -> None:
        from storage import totp as stored

        found = await database.read(stored.everybody)
        for each in found:
            click.echo(f"{each.person}  since {each.enrolled_at:%Y-%m-%d %H:%M} UTC, by {each.enrolled_by}")
        if not found:
            click.echo("Nobody has one.")

    _run(work)


@totp.command()
@click.argument("person", metavar="SLACK_ID")
def remove(person: str) -> None:
    """Take a person's codes away."""

    async def work(settings: "Settings", codes: "Codes", _: "Database") -> None:
        await codes.remove(person, by=f"terminal:{getpass.getuser()}", ops=settings.channels.ops)
        click.echo(f"Removed for {person}.")

    _run(work)


def _run(work: "Callable[[Settings, Codes, Database], Coroutine[Any, Any, T]]") -> T:
    from chatbot.parts import utc_now
    from chatbot.totp import Codes
    from commands.spec import UserError
    from config.loading import SettingsError, load
    from storage.database import Database, StorageError

    try:
        settings = load(os.environ)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(f"- {mistake}", err=True)
        _fail("The settings cannot be used as they are, so nothing was done.")

    async def run() -> T:
        database = Database(settings.database.url)
        secret = settings.totp.key.get_secret_value() if settings.totp.key is not None else None
        try:
            await database.prepare()
            return await work(settings, Codes(database=database, key=secret, now=utc_now), database)
        finally:
            await database.close()

    try:
        return asyncio.run(run())
    except (UserError, StorageError) as error:
        _fail(str(error))


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(2)
