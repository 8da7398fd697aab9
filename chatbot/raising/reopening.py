"""An approved third recovery within a day: opened in our own record, nothing is sent."""

from functools import partial

from chatbot.raising.steps import OverError, Raise
from chatbot.walking.desk import WalkDesk
from chatbot.walking.opening import open_walk
from commands.spec import UserError
from storage import walks
from storage.actions import State


async def reopen(run: Raise) -> None:
    """Open the recovery that was asked for, once."""
    action, desk = run.action, run.desk
    if not run.begun:
        await run.allowed("the opening of a recovery, in our own record", of_the_fleet=False)
    verb = partial(
        open_walk,
        desk=WalkDesk(desk=desk),
        bot=action.bot,
        by=action.requested_by,
        now=desk.now(),
        different=action.reason,
        action_id=action.id,
    )
    try:
        await run.stored(verb)
    except UserError as error:
        raise OverError(State.FAILED, str(error)) from error
    walk = await run.stored(lambda conn: walks.by_action(conn, action.id), reading=True)
    if walk is None:
        raise OverError(State.FAILED, "The recovery was not found in our record after it was opened.")
    await run.finish(
        State.VERIFIED, f"Recovery #{walk.id} is open; nothing in the fleet was changed by that."
    )
