"""An approved /start, /resume or /start-sequential: sent bot by bot, each seen running twice before it counts."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
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
            told = bot in run.sent or run.writing
            rest = [f"{bot} had been told to start."] if told and bot not in " ".join(over.said) else []
            left = ", ".join(run.started[number + told :])
            rest += [f"The sequence stopped there: {left} not started."] if left else []
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
        run.refuse_if_answered(bot, word)
        whole = first and not run.begun  # nothing of it was started yet: everything must be as it was asked
        await run.send(call, _post(run, bot), bot=bot, only=None if whole else (bot,), later=_later(run, bot))
    gap = run.desk.policy.start_gap_seconds
    # One that was in error when it was asked may still be called so for a moment.
    failed = _killed if run.asked_in.bots.get(bot) == "error" else partial(_failed, bot=bot)
    status = await run.seen(partial(running, bot=bot), times=GOOD_READS, gap=gap, failed=failed)
    if status is None:
        now = word_of(await run.look(), bot)
        limit = run.desk.policy.start_timeout_seconds
        raise OverError(
            State.NOT_VERIFIED,
            *run.said,
            f"{bot} was told to start and was not seen running within {limit:g} s; last seen {now}. "
            f"It may still start: /stop {bot} makes sure that it does not.",
        )
    await run.keep(f"{bot} is running, seen {GOOD_READS} times{_mode(run)}.")


async def _coordinators_own(run: Raise) -> None:
    """POST /start-sequential: all bots at full limits, in the coordinator's own time."""
    status = await run.look() if run.begun else None
    moved = status is not None and any(word_of(status, bot) not in STARTABLE for bot in run.started)
    if not moved:
        run.refuse_if_answered("", "not started")
        await run.send(_calls(run)[0], run.desk.coordinator.start_sequential)
    names = run.started

    def wanted(read: FleetStatus) -> bool:
        return all(running(read, bot) for bot in names)

    gap = run.desk.policy.start_gap_seconds
    status = await run.seen(wanted, times=GOOD_READS, gap=gap, failed=_killed)
    if status is None:
        now = await run.look()
        words = ", ".join(f"{bot} {word_of(now, bot)}" for bot in names)
        raise OverError(
            State.NOT_VERIFIED,
            f"Sent, and not all bots were seen running in time: {words}. "
            "They may still start: /stop or /kill makes sure that they do not.",
        )
    await run.finish(
        State.VERIFIED, f"{', '.join(names)} are running at full limits, seen {GOOD_READS} times."
    )


def _later(run: Raise, bot: str) -> timedelta:
    """How much longer than the first this bot of a sequence may take: as long as those before it can at most."""
    policy = run.desk.policy
    before = run.started.index(bot) if run.action.bot is None and bot in run.started else 0
    return before * timedelta(
        seconds=policy.start_timeout_seconds + (GOOD_READS + 1) * policy.start_gap_seconds
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


def _killed(status: FleetStatus) -> str | None:
    """Why waiting makes no sense any more: the fleet was killed, and not by us."""
    if status.kill_switch_active is not True:
        return None
    return "The kill switch went from inactive to active while it started: nothing more of it is sent."


def _failed(status: FleetStatus, *, bot: str) -> str | None:
    """The same, or the bot ended in an error."""
    killed = _killed(status)
    if killed is not None:
        return killed
    seen = status.bots.get(bot)
    if seen is None or seen.status != "error":
        return None
    latest = f": {seen.latest_errors[-1]}" if seen.latest_errors else ""
    return f"{bot} was told to start and is in error{latest}. It does not run."


def _mode(run: Raise) -> str:
    if run.action.command == "resume":
        return ""
    return ", told to be in safe mode" if run.action.option != "full" else ", told to run at full limits"
