"""/recover: walk through the handbook together, from what is wrong to what was learned."""

import re

from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import WORD_LIMIT, bare, clean, cut, named, no_such_bot, person_in

LIST, OPEN, AGAIN, SHOW, HANDOVER, ABANDON = "list", "open", "again", "show", "handover", "abandon"
LEAST_ANSWER = 15
"""Characters: what is different this time takes a sentence."""

NOTHING = "Nothing was begun."
UNCHANGED = "Nothing was changed."

_NUMBERED = re.compile(r"#?([0-9]{1,9})\s+(.*)", re.DOTALL)
_WHOLE_FLEET = frozenset({"fleet", "all", "everything", "bots", "*"})


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    line = clean(text)
    if not line:
        return Request(command="recover", option=LIST)
    first, _, rest = line.partition(" ")
    match bare(first):
        case "list" if not rest:
            return Request(command="recover", option=LIST)
        case "show":
            number, _ = _number(rest, SHOW, needed=False)
            return Request(command="recover", option=SHOW, number=number)
        case "handover":
            return _handover(text)
        case "abandon":
            number, reason = _number(rest, ABANDON, needed=True)
            if not reason:
                raise UserError(f"Say why, as in /recover abandon {number} found nothing. {UNCHANGED}")
            return Request(command="recover", option=ABANDON, number=number, reason=reason)
    return _open(first, rest, bots)


def _open(first: str, rest: str, bots: tuple[str, ...]) -> Request:
    bot = None
    if not (first == "*" or bare(first) in _WHOLE_FLEET):
        bot = named(first, bots)
        if bot is None:
            raise UserError(
                f"{no_such_bot(first, bots)} For all of them write /recover fleet; list, show, handover and abandon "
                f"are the other words. {NOTHING}"
            )
    word, _, more = rest.partition(" ")
    if bare(word) == AGAIN:
        answer = more.strip()
        if len(answer) < LEAST_ANSWER:
            raise UserError(
                f"Say what is different this time in at least {LEAST_ANSWER} characters, as in /recover {first} again "
                f"the memory was doubled. {NOTHING}"
            )
        return Request(command="recover", option=AGAIN, bot=bot, reason=answer)
    if more.strip():
        raise UserError(
            f"'{cut(rest, WORD_LIMIT)}' is no scenario: write /recover {first} alone, or one scenario behind it, as in "
            f"/recover {first} crash-loop. {NOTHING}"
        )
    return Request(command="recover", option=OPEN, bot=bot, target=bare(word))


def _handover(text: str) -> Request:
    rest = " ".join(text.split()[1:])  # as typed: a mention still holds the id, and may hold spaces
    numbered = _NUMBERED.match(rest.strip())
    number = int(numbered[1]) if numbered is not None else None
    person = person_in(numbered[2] if numbered is not None else rest)
    if person is None:
        raise UserError(
            "Write to whom as a mention that Slack offers when you type @, as in /recover handover @name. "
            + UNCHANGED
        )
    return Request(command="recover", option=HANDOVER, number=number, person=person)


def _number(rest: str, verb: str, *, needed: bool) -> tuple[int | None, str]:
    word, _, more = rest.strip().partition(" ")
    number = bare(word).removeprefix("#")
    if not number and not needed:
        return None, ""
    if not (number.isascii() and number.isdecimal() and len(number) <= 9):
        raise UserError(f"Say which recovery by its number, as in /recover {verb} 3. {UNCHANGED}")
    return int(number), more.strip()


def _objection(request: Request, standing: Standing) -> str | None:
    return None


def _concerns(request: Request, standing: Standing) -> None:
    return None


COMMAND = Command(
    name="recover",
    usage=(
        "<bot|fleet> [scenario]|<bot|fleet> again <what is different>|list|show [number]|handover [number] <@person>"
        "|abandon <number> <reason>"
    ),
    summary="Walk through the handbook together, step by step",
    help=(
        "Opens a recovery in the ops channel: it looks at everything, proposes the scenario that fits with its "
        "evidence, and leads through its steps with buttons; what it could see for itself is verified, what a person "
        "says is asserted. It sends nothing that you could not type. Opening and walking one takes an operator; the "
        "third recovery of a bot within a day a second admin: /recover <bot> again, and what is different this time."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],  # to look; whoever lets in what changes one asks for an operator
    parse=_parse,
    raising=Raising(
        options=frozenset({AGAIN}), objection=_objection, concerns=_concerns, reads_fleet=lambda _: False
    ),
)
