"""/evidence: keep what is known now, before anything is changed."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Request, Risk


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    return Request(command="evidence")


COMMAND = Command(
    name="evidence",
    usage="",
    summary="Keep logs, status, alerts and our record in one archive",
    help=(
        "Packs the fleet's logs, its status and alerts, hashes of its configuration and our own record into one "
        "archive on this bot's host, with a manifest of SHA-256 sums. Its hash is told here and kept in the audit; the "
        "archive itself is never uploaded. It changes nothing in the fleet."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
)
