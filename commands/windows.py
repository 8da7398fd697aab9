"""/windows: the monitoring windows that are open and the last that ended; extend one or close it."""

from commands.monitor import length_of
from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk, UserError
from commands.words import WORD_LIMIT, bare, clean, cut

LIST = "list"
EXTEND = "extend"
CLOSE = "close"
NOTHING = "Nothing was changed."


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    if not words:
        return Request(command="windows", option=LIST)
    verb = bare(words[0])
    if verb == LIST and len(words) == 1:
        return Request(command="windows", option=LIST)
    if verb not in {EXTEND, CLOSE}:
        raise UserError(
            f"'{cut(words[0], WORD_LIMIT)}' is nothing I can do with windows: write nothing to list them, extend 12 "
            f"30m, or close 12. {NOTHING}"
        )
    number = bare(words[1]).removeprefix("#") if len(words) > 1 else ""
    if not number.isdecimal() or len(number) > 9:
        raise UserError(f"Say which window by its number, as in /windows {verb} 12. {NOTHING}")
    if verb == CLOSE:
        return Request(command="windows", option=CLOSE, number=int(number), reason=" ".join(words[2:]))
    if len(words) != 3:
        raise UserError(f"Say by how much, as in /windows extend {number} 30m. {NOTHING}")
    return Request(command="windows", option=EXTEND, number=int(number), span=length_of(words[2], NOTHING))


COMMAND = Command(
    name="windows",
    usage="[extend <number> <time>|close <number>]",
    summary="List monitoring windows, extend or close one",
    help=(
        "Lists the windows that are open, with what was read so far, and the last that ended. An operator extends one "
        "by a time or closes it; a closed one proves nothing."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],  # to look; whoever lets in what changes one asks for an operator
    parse=_parse,
)
