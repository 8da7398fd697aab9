"""/silences: what is kept quiet, by whom and until when."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    return Request(command="silences")


COMMAND = Command(
    name="silences",
    usage="",
    summary="Show which alerts are kept quiet, and until when",
    help="Lists the silences with their pattern, who asked for each and why, and when it ends. It ends none.",
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
