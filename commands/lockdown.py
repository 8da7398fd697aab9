"""/lockdown: let nothing through that raises risk, until others agree to end it."""

from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import bare, clean

NOTHING = "Nothing was changed."


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    first, _, reason = clean(text).partition(" ")
    option = bare(first)
    if option not in {"on", "off"}:
        raise UserError(f"Write /lockdown on or /lockdown off, with a reason behind it. {NOTHING}")
    return Request(command="lockdown", option=option, reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    return None if standing.lockdown is not None else f"There is no lockdown to end. {NOTHING}"


def _concerns(request: Request, standing: Standing) -> None:
    return None


COMMAND = Command(
    name="lockdown",
    usage="on|off [reason]",
    summary="Let nothing be started until other admins agree to end it",
    help=(
        "With on, nothing that raises risk is taken or approved any more, at once and by one person; what waits for "
        "approval is void. Stops go on working. With off, you ask two other admins to end it."
    ),
    risk=Risk.LOWER,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
    raising=Raising(
        options=frozenset({"off"}), objection=_objection, concerns=_concerns, reads_fleet=lambda _: False
    ),
)
