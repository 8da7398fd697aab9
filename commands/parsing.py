"""From a line somebody typed to a `Request`, or to one sentence that says what to type instead."""

import re
from dataclasses import replace

from commands import COMMANDS, find
from commands.spec import Command, Request, UserError
from commands.words import WORD_LIMIT, bare, closest, listed, visible

_MENTIONS = re.compile(r"^(?:\s*<@[A-Za-z0-9]+(?:\|[^<>]*)?>[\s,:]*)+")


def parse(name: str, text: str, bots: tuple[str, ...]) -> Request:
    """The request behind ``name`` and its text; raises UserError only, and for a kill nothing at all."""
    request = _known(name).parse(text, bots)
    if request.topic is not None:
        # Only here is the whole table known: the commands are rows in it and cannot look at it themselves.
        request = replace(request, topic=_known(request.topic).name)
    return request


def split_root(text: str) -> tuple[str, str]:
    """The subcommand and the rest, of "kill bad fills" and "<@U0BOT> kill bad fills"; "" where missing."""
    said = _MENTIONS.sub("", visible(text)).split(None, 1)
    return (said[0] if said else "", said[1].strip() if len(said) > 1 else "")


def _known(name: str) -> Command:
    command = find(name)
    if command is not None:
        return command
    names = [each.name for each in COMMANDS]
    shown = bare(name)[:WORD_LIMIT]
    near = closest(name, names)
    if near is not None:
        raise UserError(f"There is no command '{shown}': did you mean /{near}? Nothing was done.")
    known = listed([f"/{each}" for each in names])
    raise UserError(f"There is no command '{shown}': the commands are {known}. Nothing was done.")
