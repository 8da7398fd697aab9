"""/override: release the kill switch once a second admin agrees."""

from commands import release
from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import clean


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    reason = clean(text)
    if not reason:
        raise UserError(
            f"Say why the fleet may trade again, as in /override feed is fixed. {release.NOTHING}"
        )
    return Request(command="override", reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    return release.objection(standing, force=False)


COMMAND = Command(
    name="override",
    usage="<reason>",
    summary="Ask to release the kill switch",
    help=(
        "Asks another admin to release the kill switch. It is refused during the cooldown, while the circuit breaker "
        "is open, while the kill is not verified and while its cause is not recorded. No bot is started by it. A "
        "release that somebody made elsewhere is only taken into our record."
    ),
    risk=Risk.RAISE,
    role=ROLE_FOR[Risk.RAISE],
    parse=_parse,
    raising=Raising(options=frozenset({""}), objection=_objection, concerns=release.concerns),
)
