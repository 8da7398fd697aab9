"""/force-override: release the kill switch in spite of cooldown and circuit breaker, once a second admin agrees."""

from commands import release
from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import clean

LEAST_REASON = 15
"""Characters: whoever goes past the rules writes a sentence."""


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    reason = clean(text)
    if len(reason) < LEAST_REASON:
        raise UserError(
            f"/force-override goes past the rules, so it takes a reason of at least {LEAST_REASON} characters. "
            f"{release.NOTHING}"
        )
    return Request(command="force-override", reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    return release.objection(standing, force=True)


COMMAND = Command(
    name="force-override",
    usage="<reason of 15 characters or more>",
    summary="Ask to release the kill switch past cooldown and breaker",
    help=(
        "Asks another admin to release the kill switch in spite of the cooldown and the circuit breaker; the card says "
        "exactly what it goes past. It always takes a second admin. The kill must be verified, or closed by hand with "
        "a reason, and its cause recorded."
    ),
    risk=Risk.RAISE,
    role=ROLE_FOR[Risk.RAISE],
    parse=_parse,
    raising=Raising(options=frozenset({""}), objection=_objection, concerns=release.concerns),
)
