"""An approved restore of a configuration file: the very bytes that were shown, or nothing."""

from chatbot.approvals.binding import on_host, split_target
from chatbot.raising.steps import OverError, Raise
from commands.apart import apart
from commands.configuring import keeping, restoring, sources
from commands.probes.files import Unreadable, read_whole
from commands.probes.model import Places
from commands.spec import UserError
from storage.actions import State

RESTARTED_NOTHING = "Programs read it when they start: nothing was restarted."


async def restore(run: Raise) -> None:
    """Write the file, read it back, and say what was seen."""
    action, desk = run.action, run.desk
    places = desk.places
    if places is None:
        raise OverError(State.VOID, "The fleet's home is not on this host any more, so nothing was written.")
    file, source, digest, there = split_target(action.target)
    if run.begun:
        await _look_only(run, places, file, digest)
        return
    try:
        raw = await sources.content(places, file, source)
    except UserError as error:
        raise OverError(run.given_up, str(error)) from error
    if keeping.digest(raw) != digest:
        raise OverError(
            run.given_up, f"{file} in {source} is not what it was when it was asked, so nothing was written."
        )
    if await sources.present(places, file) != there:
        raise OverError(
            run.given_up,
            f"{file} was changed since it was asked, so what the card shows is not what would change: nothing was "
            "written, ask anew.",
        )
    await run.allowed(on_host(desk.recovery, action)[0], of_the_fleet=False)
    run.tried = run.writing = True
    try:
        restored = await apart(restoring.restore, places, file, raw, now=desk.now())
    except UserError as error:
        raise OverError(State.FAILED, str(error)) from error
    run.writing = False
    aside = f" The file before it is kept as {restored.kept.name}." if restored.kept is not None else ""
    await run.finish(
        State.VERIFIED,
        f"{file} holds what {source} held, read back by its SHA-256 {digest[:12]}….{aside}",
        RESTARTED_NOTHING,
    )


async def _look_only(run: Raise, places: Places, file: str, digest: str) -> None:
    """Nothing is written after a restart: it may have been done, and somebody may have changed the file since."""
    try:
        found = await apart(read_whole, places.config / file, places.home, most=keeping.MOST_BYTES)
    except (Unreadable, UserError) as error:
        raise OverError(
            State.ABANDONED,
            f"This bot was restarted meanwhile, and {file} {str(error).rstrip('.')}: look at it.",
        ) from error
    if keeping.digest(found) != digest:
        raise OverError(
            State.ABANDONED,
            f"{file} may have been restored before this bot was restarted, and it is something else now, so it is not "
            "written again: look at it, and ask anew.",
        )
    await run.finish(
        State.VERIFIED,
        f"{file} holds what was approved, read back by its SHA-256 {digest[:12]}….",
        RESTARTED_NOTHING,
    )
