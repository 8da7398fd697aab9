"""From a line somebody typed to a `Request`, or to one sentence that says what to type instead."""

import re
from dataclasses import replace

from commands import COMMANDS, find
from commands.spec import Command, Request, UserError
from commands.words import WORD_LIMIT, bare, clean, closest, cut, visible

_MENTIONS = re.compile(r"^(?:\s*<@[A-Za-z0-9]+(?:\|[^<>]*)?>[\s,:]*)+")


def parse(name: str, text: str, bots: tuple[str, ...], *, root: str = "/fleet") -> Request:
    """The request behind ``name`` and its text; raises UserError only, and for a kill nothing at all.

    ``root`` is the command that all others work behind, for the sentences.
    """
    request = _known(name, root).parse(text, bots)
    if request.topic is not None:
        # Only here is the whole table known: the commands are rows in it and cannot look at it themselves.
        request = replace(request, topic=_known(request.topic, root).name)
    return request


def split_root(text: str) -> tuple[str, str]:
    """The subcommand and the rest, of "kill bad fills" and "<@U0BOT> kill bad fills"; "" where missing."""
    said = _MENTIONS.sub("", visible(text)).split(None, 1)
    return (said[0] if said else "", said[1].strip() if len(said) > 1 else "")


def _known(name: str, root: str) -> Command:
    command = find(name)
    if command is not None:
        return command
    typed = {each.name: each.typed(root) for each in COMMANDS}
    shown = cut(bare(clean(name)), WORD_LIMIT)
    problem = f"There is no command '{shown}'" if shown else "I did not understand that"
    near = closest(clean(name), typed)
    if near is not None:
        raise UserError(f"{problem}: did you mean {typed[near]}? Nothing was done.")
    raise UserError(f"{problem}: {typed['help']} lists what there is. Nothing was done.")
