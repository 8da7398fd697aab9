"""/oncall: whom a critical alert calls first, and until when."""

from commands.moments import when
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import MENTION, WORD_LIMIT, bare, clean, cut, visible

SHOW = "show"
SET = "set"
ME = "me"
"""The person who types it, whom only the caller knows."""

NOTHING = "Nothing was changed."

_NOBODY = frozenset({"nobody", "none", "off"})


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    line = clean(text)
    if not line:
        return Request(command="oncall", option=SHOW)
    person, rest = _person(visible(text).strip(), line)
    if not rest:
        return Request(command="oncall", option=SET, person=person)
    if person is None:
        raise UserError(f"/oncall nobody takes no time: it holds until somebody is named. {NOTHING}")
    until = when(rest)
    if until is None:
        raise UserError(
            f"'{cut(rest, WORD_LIMIT)}' is not a time: write 8h, 07:30, tomorrow 08:00, fri 18:00 or 2026-11-28 08:00, "
            f"or nothing to let it hold until it is changed. {NOTHING}"
        )
    return Request(command="oncall", option=SET, person=person, until=until)


def _person(typed: str, line: str) -> tuple[str | None, str]:
    """Who is meant, ``None`` for nobody, and what follows; of what was typed, where a mention still holds the id."""
    mention = MENTION.match(typed)
    if mention is not None:
        return mention[1], clean(mention[2])
    first, _, rest = line.partition(" ")
    if bare(first) == ME:
        return ME, rest
    if bare(first) in _NOBODY:
        return None, rest
    raise UserError(
        "Write the person as a mention that Slack offers when you type @, as in /oncall @name until 07:30, or write "
        f"me or nobody: I cannot tell who '{cut(first, WORD_LIMIT)}' is. {NOTHING}"
    )


COMMAND = Command(
    name="oncall",
    usage="[me|@user|nobody] [until]",
    summary="Show or set who is called first",
    help=(
        "Shows who is on call. An operator sets it with me or a mention, and may add until when: 8h, 07:30 (the next "
        "time it is that late), tomorrow 08:00, fri 18:00, 2026-11-28 08:00; a day alone means its beginning. Without "
        "a time it holds until it is changed; nobody ends it."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],  # to look; whoever lets in what sets it asks for an operator
    parse=_parse,
)
