"""The commands of two people at a terminal: each names who they are with --as and proves it by a code."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from typing import TYPE_CHECKING, Any, NoReturn

import click

if TYPE_CHECKING:
    from config.settings import Settings

who = click.option("--as", "person", required=True, metavar="SLACK_ID", help="Who you are, as U012AB3CD.")
code = click.option(
    "--code", default=None, help="The six digits of your authenticator; asked for when missing (better)."
)


def _asking(name: str, usage: str, about: str) -> click.Command:
    """The command that asks for one thing that raises risk."""

    @click.command(name, help=about)
    @click.argument("words", nargs=-1, metavar=usage)
    @who
    @code
    def ask(words: tuple[str, ...], person: str, code: str | None) -> None:
        from chatbot import terminal_second

        line = " ".join((name, *words))
        _run(
            lambda settings: terminal_second.ask(
                settings, line, person=person, prompt=_prompt(code), say=click.echo
            )
        )

    return ask


@click.command("lockdown")
@click.argument("option", type=click.Choice(["on", "off"]))
@click.argument("words", nargs=-1, metavar="[REASON]")
@click.option("--as", "person", metavar="SLACK_ID", help="Who you are; needed to end a lockdown.")
@code
def lockdown(option: str, words: tuple[str, ...], person: str | None, code: str | None) -> None:
    """Let nothing be started (on: at once), or ask to end that (off: takes two others)."""
    from chatbot import terminal_second

    reason = " ".join(words)
    if option == "on":
        _run(lambda settings: terminal_second.lock_down(settings, reason, say=click.echo))
    if person is None:
        _fail(
            "Say who you are with --as YOUR_SLACK_ID: ending a lockdown raises risk. Nothing was asked.",
            code=2,
        )
    line = f"lockdown off {reason}".strip()
    _run(
        lambda settings: terminal_second.ask(
            settings, line, person=person, prompt=_prompt(code), say=click.echo
        )
    )


@click.command("approve")
@click.argument("request")
@who
@code
def approve(request: str, person: str, code: str | None) -> None:
    """Approve a request of another admin; the last approval sends it and reads it back here."""
    from chatbot import terminal_second

    _run(
        lambda settings: terminal_second.approve(
            settings, request, person=person, prompt=_prompt(code), say=click.echo
        )
    )


@click.command("deny")
@click.argument("request")
@who
@click.option("--reason", required=True, help="Why not; goes into the record.")
@code
def deny(request: str, person: str, reason: str, code: str | None) -> None:
    """Deny a request: one denial ends it."""
    from chatbot import terminal_second

    _run(
        lambda settings: terminal_second.deny(
            settings, request, person=person, reason=reason, prompt=_prompt(code), say=click.echo
        )
    )


@click.command("withdraw")
@click.argument("request")
@who
@code
def withdraw(request: str, person: str, code: str | None) -> None:
    """Withdraw a request of your own."""
    from chatbot import terminal_second

    _run(
        lambda settings: terminal_second.withdraw(
            settings, request, person=person, prompt=_prompt(code), say=click.echo
        )
    )


@click.command("approvals")
def approvals() -> None:
    """Show what waits for approval, and the last requests."""
    from chatbot import terminal_second

    _run(lambda settings: terminal_second.waiting(settings, say=click.echo))


COMMANDS: tuple[click.Command, ...] = (
    _asking("override", "REASON...", "Ask to release the kill switch."),
    _asking(
        "force-override", "REASON...", "Ask to release the kill switch past cooldown and circuit breaker."
    ),
    _asking("start", "BOT [full] [REASON]", "Ask to start one bot, in safe mode unless full."),
    _asking("start-sequential", "[full] [REASON]", "Ask to start all bots, one after another."),
    _asking("resume", "BOT [REASON]", "Ask to let a paused bot trade on."),
    lockdown,
    approve,
    deny,
    withdraw,
    approvals,
)


def _prompt(given: str | None) -> Callable[[], str]:
    if given is not None:
        return lambda: given
    return lambda: str(click.prompt("The six digits of your authenticator", hide_input=True))


def _run(work: "Callable[[Settings], Coroutine[Any, Any, int]]") -> NoReturn:
    from chatbot import logs
    from commands.spec import UserError
    from config.loading import SettingsError, load
    from storage.database import StorageError

    try:
        settings = load(os.environ)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(f"- {mistake}", err=True)
        _fail("The settings cannot be used as they are, so nothing was done.", code=2)
    logs.configure(settings.log.format, "error")  # the command itself says what happens
    try:
        sys.exit(asyncio.run(work(settings)))
    except (UserError, StorageError) as error:
        _fail(str(error))
    except KeyboardInterrupt:
        _fail("Interrupted: look with `chatbot approvals` and `chatbot status` before you go on.")


def _fail(sentence: str, *, code: int = 1) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(code)
