"""An approved /start, /resume or /start-sequential: sent bot by bot, each seen running twice before it counts."""

from collections.abc import Awaitable, Callable
from functools import partial

from chatbot.raising.steps import OverError, Raise
from commands.calls import Call, calls
from commands.coordinator.model import Answer, FleetStatus
from commands.standing import word_of
from commands.starting import STARTABLE, running
from storage.actions import State

GOOD_READS = 2


async def one(run: Raise) -> None:
    """Start or resume one bot."""
    bot = run.action.bot or ""
    await _bring_up(run, bot, _calls(run)[0], first=True)
    await run.finish(State.VERIFIED, *run.said)


async def all_of_them(run: Raise) -> None:
    """Start the bots that did not run when it was asked, one after another; or the coordinator's own sequence."""
    if run.action.option == "full":
        await _coordinators_own(run)
        return
    for number, (bot, call) in enumerate(zip(run.started, _calls(run), strict=True)):
        if number:
            await run.wait(run.desk.policy.start_gap_seconds)
        try:
            await _bring_up(run, bot, call, first=number == 0)
        except OverError as over:
            left = ", ".join(run.started[number + 1 :])
            rest = (f"The sequence stopped there: {left} not started.",) if left else ()
            raise OverError(over.state, *over.said, *rest) from over
    await run.finish(State.VERIFIED, *run.said)


async def _bring_up(run: Raise, bot: str, call: Call, *, first: bool) -> None:
    """Send the start of one bot unless a process that died has, and wait until it is seen running twice."""
    status = await run.look() if run.begun or not first else None
    word = word_of(status, bot) if status is not None else ""
    told_before = run.begun and word not in STARTABLE and word != "paused"
    if not first and not told_before and word != run.asked_in.bots.get(bot):
        raise OverError(run.given_up, *run.said, f"Not started: {bot} is {word} now, which was not approved.")
    if not told_before:
        await run.send(call, _post(run, bot), fleet_matters=first and not run.begun, in_time=first)
    gap = run.desk.policy.start_gap_seconds
    status = await run.seen(
        partial(running, bot=bot), times=GOOD_READS, gap=gap, failed=partial(_failed, bot=bot)
    )
    if status is None:
        now = word_of(await run.look(), bot)
        limit = run.desk.policy.start_timeout_seconds
        raise OverError(
            State.NOT_VERIFIED,
            *run.said,
            f"{bot} was told to start and was not seen running within {limit:g} s: it is {now}. /stop {bot} stops it.",
        )
    await run.keep(f"{bot} is running, seen {GOOD_READS} times{_mode(run)}.")


async def _coordinators_own(run: Raise) -> None:
    """POST /start-sequential: all bots at full limits, in the coordinator's own time."""
    status = await run.look() if run.begun else None
    moved = status is not None and any(word_of(status, bot) not in STARTABLE for bot in run.started)
    if not moved:
        await run.send(_calls(run)[0], run.desk.coordinator.start_sequential, fleet_matters=not run.begun)
    names = run.started

    def wanted(read: FleetStatus) -> bool:
        return all(running(read, bot) for bot in names)

    gap = run.desk.policy.start_gap_seconds
    status = await run.seen(wanted, times=GOOD_READS, gap=gap, failed=lambda _: None)
    if status is None:
        now = await run.look()
        words = ", ".join(f"{bot} {word_of(now, bot)}" for bot in names)
        raise OverError(State.NOT_VERIFIED, f"Sent, and not all bots were seen running in time: {words}.")
    await run.finish(
        State.VERIFIED, f"{', '.join(names)} are running at full limits, seen {GOOD_READS} times."
    )


def _calls(run: Raise) -> tuple[Call, ...]:
    action = run.action
    return calls(
        action_id=action.id,
        command=action.command,
        bot=action.bot,
        option=action.option,
        reason=action.reason,
        bots=run.started,
        profile=run.desk.coordinator.profile,
    )


def _post(run: Raise, bot: str) -> Callable[[], Awaitable[Answer]]:
    coordinator = run.desk.coordinator
    if run.action.command == "resume":
        return partial(coordinator.resume, bot)
    return partial(coordinator.start, bot, safe_mode=run.action.option != "full")


def _failed(status: FleetStatus, *, bot: str) -> str | None:
    """Why waiting makes no sense any more: the bot ended in an error."""
    seen = status.bots.get(bot)
    if seen is None or seen.status != "error":
        return None
    latest = f": {seen.latest_errors[-1]}" if seen.latest_errors else ""
    return f"{bot} was told to start and is in error{latest}. It does not run."


def _mode(run: Raise) -> str:
    if run.action.command == "resume":
        return ""
    return ", told to be in safe mode" if run.action.option != "full" else ", told to run at full limits"
