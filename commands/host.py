"""/host: run a program on the fleet's host that the configuration names, always with the same words."""

from commands import release
from commands.policy import ROLE_FOR
from commands.spec import Command, Raising, Request, Risk, UserError
from commands.standing import Standing
from commands.words import WORD_LIMIT, bare, clean, cut

LIST = "list"
RUN = "run"
RELEASE = "release"
"""It makes the coordinator forget a kill, so it is asked for like /override."""
FORCE = "force"
"""The same, past cooldown and circuit breaker like /force-override."""
NOW = "now"
"""It raises no risk by the configuration: one operator, one step."""

LEAST_REASON = 15
"""Characters, as for /force-override."""

NOTHING = "Nothing was run."


def _parse(text: str, bots: tuple[str, ...]) -> Request:
    words = clean(text).split()
    if not words or (bare(words[0]) == LIST and len(words) == 1):
        return Request(command="host", option=LIST)
    name = bare(words[0])
    if len(name) > WORD_LIMIT:
        raise UserError(f"'{cut(words[0], WORD_LIMIT)}' is no host action: /host lists them. {NOTHING}")
    forced = len(words) > 1 and bare(words[1]) == FORCE
    reason = " ".join(words[2:] if forced else words[1:])
    if forced and len(reason) < LEAST_REASON:
        raise UserError(
            f"force goes past the rules, so it takes a reason of at least {LEAST_REASON} characters, as in "
            f"/host {name} force the coordinator hangs since 02:40. {NOTHING}"
        )
    return Request(command="host", option=FORCE if forced else RUN, target=name, reason=reason)


def _objection(request: Request, standing: Standing) -> str | None:
    if request.option == RUN or standing.latch is None:
        return None
    return release.objection(standing, force=request.option == FORCE, forced=f"/host {request.target} force")


def _concerns(request: Request, standing: Standing) -> tuple[str, ...] | None:
    return None if request.option == RUN else release.concerns(request, standing)


COMMAND = Command(
    name="host",
    usage="[name] [force] [reason]",
    summary="Run a named program on the fleet's host",
    help=(
        "Lists the programs that the configuration names (recovery.host_actions), or asks another admin to run one: "
        "always its very words, no others. One that restarts the coordinator releases the kill, so cooldown and "
        "circuit breaker hold it like /override; force and a sentence go past them."
    ),
    risk=Risk.READ,
    role=ROLE_FOR[Risk.LOWER],
    parse=_parse,
    raising=Raising(
        options=frozenset({RUN, RELEASE, FORCE}),
        objection=_objection,
        concerns=_concerns,
        reads_fleet=lambda request: request.option != RUN,
    ),
)
