"""/contacts: whom to call in an emergency."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    return Request(command="contacts")


COMMAND = Command(
    name="contacts",
    usage="",
    summary="Show whom to call in an emergency",
    help="Shows the emergency contacts by role, as configured. It calls nobody and tells nobody.",
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
