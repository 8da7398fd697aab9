"""/who: who can stop the fleet, who can approve, and who can be reached now."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    return Request(command="who")


COMMAND = Command(
    name="who",
    usage="",
    summary="Show who can stop, who can approve, and who is there now",
    help=(
        "Lists the people with a role: who can stop the fleet, who can approve a start (and from when, for an admin "
        "who was added lately), and whom Slack shows as active now. It tells nobody."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.READ],
    parse=_parse,
)
