"""/approvals: what waits for a second admin, and what became of the last requests."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    return Request(command="approvals")


COMMAND = Command(
    name="approvals",
    usage="",
    summary="Show what waits for a second admin, and the last requests",
    help=(
        "Lists the requests that wait, until when, and what each would do, then the last ones with who decided them "
        "and what was seen. To decide one, use the buttons on its card."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
