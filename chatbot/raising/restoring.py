"""An approved restore of a configuration file: the very bytes that were shown, or nothing."""

import asyncio

from chatbot.approvals.binding import on_host, split_target
from chatbot.raising.steps import OverError, Raise
from commands.configuring import keeping, sources
from commands.spec import UserError
from storage.actions import State


async def restore(run: Raise) -> None:
    """Write the file, read it back, and say what was seen."""
    action, desk = run.action, run.desk
    places = desk.places
    if places is None:
        raise OverError(State.VOID, "The fleet's home is not on this host any more, so nothing was written.")
    file, source, digest = split_target(action.target)
    try:
        raw = await sources.content(places, file, source)
    except UserError as error:
        raise OverError(run.given_up, str(error)) from error
    if keeping.digest(raw) != digest:
        raise OverError(
            run.given_up, f"{file} in {source} is not what it was when it was asked, so nothing was written."
        )
    await run.allowed(on_host(desk.recovery, action)[0], of_the_fleet=False)
    run.tried = run.writing = True
    try:
        restored = await asyncio.to_thread(keeping.restore, places, file, raw, now=desk.now())
    except UserError as error:
        raise OverError(State.FAILED, str(error)) from error
    run.writing = False
    aside = f" The file before it is kept as {restored.kept.name}." if restored.kept is not None else ""
    await run.finish(
        State.VERIFIED,
        f"{file} holds what {source} held, read back by its SHA-256 {digest[:12]}….{aside}",
        "Programs read it when they start: nothing was restarted.",
    )
