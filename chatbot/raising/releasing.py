"""An approved /override or /force-override: sent, read back, and only then is our own latch let go."""

from functools import partial

from chatbot.raising.steps import OverError, Raise
from commands.calls import calls, release_reason, release_word
from commands.coordinator.model import FleetStatus
from storage.actions import State


async def release(run: Raise, approved_by: str) -> None:
    """Release the kill switch, or take in that it was released elsewhere."""
    action, desk = run.action, run.desk
    held = run.asked_in.latch
    if held is None:
        raise OverError(State.VOID, "Our record holds no kill, so nothing was sent.")
    if run.asked_in.switch == "inactive":
        await _adopt(run, held)
        return
    status = await run.look() if run.begun else None
    if status is None or status.kill_switch_active is not False:  # else: sent by the process that died
        run.refuse_if_answered("", "active")
        (call,) = calls(
            action_id=action.id,
            command=action.command,
            bot=None,
            option="",
            reason=action.reason,
            bots=(),
            profile=desk.coordinator.profile,
            approved_by=approved_by,
        )
        post = partial(
            desk.coordinator.kill_switch,
            release_word(action.command, desk.coordinator.profile),
            release_reason(action.reason, action.id),
            approved_by=approved_by,
        )
        await run.send(call, post)
        status = await run.seen(_released, times=1, gap=0, failed=lambda _: None)
    if status is None:
        raise OverError(
            State.NOT_VERIFIED,
            "It was sent, and the kill switch was not seen inactive. Our record still holds the kill: "
            "look at its status.",
        )
    await run.finish(
        State.VERIFIED,
        f"The kill switch is inactive; bots: {_bots(status)}.",
        "No bot was started by this: /start or /start-sequential.",
        release=held,
    )


async def _adopt(run: Raise, held: int) -> None:
    """Nothing is sent: the coordinator was released elsewhere, and two admins say that this is right."""
    status = await run.look()
    if status.kill_switch_active is not False:
        raise OverError(State.VOID, "The kill switch is active again, so nothing was recorded as released.")
    await run.finish(
        State.VERIFIED,
        f"Released elsewhere, and now in our record; nothing was sent. Kill switch inactive; bots: {_bots(status)}.",
        release=held,
    )


def _released(status: FleetStatus) -> bool:
    return status.kill_switch_active is False


def _bots(status: FleetStatus) -> str:
    return (
        ", ".join(f"{name} {bot.status or 'unknown'}" for name, bot in status.bots.items()) or "none listed"
    )
