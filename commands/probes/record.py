"""What this bot's own record says, judged for runbooks: kills, rules, releases, windows, evidence, logs."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.probes.model import Finding, Verdict
from commands.standing import Standing
from commands.walking import watching
from storage.actions import RELEASES, STARTS, STOPS, Action, State
from storage.windows import WindowRow, WindowState

SOURCE = "our own record"
LATELY = timedelta(hours=6)
RAISED_WITHIN = timedelta(hours=24)
RAISED_SHOWN = 12


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was read in one transaction; ``since`` is when the recovery began, for what has to come after that."""

    standing: Standing
    actions: tuple[Action, ...]  # of the last hours
    bot: str | None  # that the step is about
    windows: tuple[WindowRow, ...]  # that were open since then, oldest first
    evidence_at: datetime | None
    log_written: bool
    log_closed: bool
    since: datetime | None
    down_at: datetime | None = None  # when the bot was last seen to become anything but running
    least: timedelta = timedelta()  # how long a window has to be to count


def look(facts: Facts) -> tuple[Finding, ...]:
    """Every finding; the record is always known."""
    return (
        _kill(facts),
        _rules(facts),
        _releases(facts),
        _raised(facts),
        *_work(facts),
    )


def _kill(facts: Facts) -> Finding:
    held, kill, now = facts.standing.latch, facts.standing.kill, facts.standing.now
    elsewhere = any(
        each.command == "kill" and each.requested_by == "elsewhere" and each.accepted_at >= now - LATELY
        for each in facts.actions
    )
    verified = held is not None and held.verified_at is not None
    if held is None:
        text = "Our record holds no kill"
    else:
        how = "verified" if verified else "NOT verified"
        why = f" ({kill.id})" if kill is not None else ""
        text = f"Our record holds a kill since {held.engaged_at:%H:%M} UTC, {how}{why}"
    return Finding(
        verdict=Verdict.NOTED,
        text=text + ("; it was made elsewhere" if elsewhere else ""),
        source=SOURCE,
        signs={"kill.stands": held is not None, "kill.verified": verified, "kill.elsewhere": elsewhere},
    )


def _rules(facts: Facts) -> Finding:
    stands = facts.standing
    minutes = stands.cooldown.total_seconds() / 60
    cooldown = f"cooldown {minutes:.0f} min left" if stands.cooldown else "no cooldown runs"
    breaker = "open" if stands.breaker.open else "closed"
    locked = "; a lockdown stands" if stands.lockdown is not None else ""
    return Finding(
        verdict=Verdict.NOTED,
        text=f"{cooldown}; our circuit breaker is {breaker} ({stands.breaker.kills} of {stands.breaker.limit}){locked}",
        source=SOURCE,
        signs={
            "cooldown.over": not stands.cooldown,
            "breaker.ours": stands.breaker.open,
            "lockdown.on": stands.lockdown is not None,
        },
    )


def _releases(facts: Facts) -> Finding:
    begun = facts.standing.now - LATELY
    releases = [each for each in facts.actions if _releases_kill(each) and each.accepted_at >= begun]
    last = releases[-1] if releases else None
    held = facts.standing.latch
    refused = (
        last is not None
        and last.state in {State.FAILED, State.NOT_VERIFIED}
        and held is not None
        and last.accepted_at >= held.engaged_at
    )
    if last is None:
        text = "No release was tried lately"
    elif refused:
        text = f"{last.id} did not take effect: {last.state.value.replace('_', ' ')}"
    else:
        text = f"The last release is {last.id}: {last.state.value.replace('_', ' ')}"
    return Finding(
        verdict=Verdict.ILL if refused else Verdict.NOTED,
        text=text,
        source=SOURCE,
        signs={"release.refused": refused},
    )


def _releases_kill(action: Action) -> bool:
    """An override, or a program on the host that counts as one."""
    return action.command in RELEASES or (action.command == "host" and action.option in {"release", "force"})


def _raised(facts: Facts) -> Finding:
    """Who let what trade lately: in a breach the first question."""
    let_through = [each for each in facts.actions if each.state not in {State.WAITING, State.VOID}]
    raised = [each for each in let_through if each.command not in STOPS]
    by_person: dict[str, list[str]] = {}
    for each in raised[-RAISED_SHOWN:]:
        what = f"{each.command} {each.bot or ''}".strip()
        by_person.setdefault(each.requested_by, []).append(f"{what} at {each.accepted_at:%m-%d %H:%M}")
    told = "; ".join(f"{who}: {', '.join(what)}" for who, what in by_person.items())
    return Finding(
        verdict=Verdict.NOTED,
        text=f"What raised risk in the last day (UTC), by person: {told}"
        if told
        else "Nothing raised risk lately",
        source=SOURCE,
    )


def _started(facts: Facts, since: datetime) -> Finding:
    """Whether the bot goes by an approved start in safe mode: the coordinator does not tell in which mode it runs."""
    starts = [
        each
        for each in facts.actions
        if each.command in STARTS - {"resume"}
        and each.bot in (None, facts.bot or each.bot)
        and each.state is State.VERIFIED
    ]
    last = max(starts, key=_ended, default=None)
    at = _ended(last) if last is not None else None
    if last is None or at is None or at < since:
        return _mode("No approved start of it was read back since", seen=False)
    if last.option == "full":
        return _mode(f"It was started at full limits ({last.id})", seen=False)
    if facts.down_at is not None and facts.down_at > at:
        return _mode(f"It was seen down after its approved start ({last.id})", seen=False)
    return _mode(f"Its approved start in safe mode was read back ({last.id})", seen=True)


def _ended(action: Action) -> datetime:
    return action.finished_at or action.accepted_at


def _mode(text: str, *, seen: bool) -> Finding:
    return Finding(
        verdict=Verdict.WELL if seen else Verdict.NOTED, text=text, source=SOURCE, signs={"start.safe": seen}
    )


def _work(facts: Facts) -> tuple[Finding, ...]:
    """What a recovery brings about: evidence, a window that ended well, its log."""
    if facts.since is None:
        return ()
    since, kill = facts.since, facts.standing.kill
    taken = facts.evidence_at is not None and facts.evidence_at >= since
    killed = kill.accepted_at if kill is not None else None
    after = watching.candidates(
        facts.windows, bot=facts.bot, opened=since, killed=killed, down_at=facts.down_at
    )
    window = watching.counting(after, bot=facts.bot, least=facts.least)
    short = after[-1] if window is None and after else None
    stable = window is not None and watching.proves(window, facts.bot)
    if short is not None:
        minutes = facts.least.total_seconds() / 60
        about = f"Window #{short.id} is shorter than the {minutes:.0f} min that this step takes"
    elif window is None:
        about = "No monitoring window that counts was opened since the recovery began, the last kill or the last fall"
    elif window.state == WindowState.OPEN:
        about = f"Window #{window.id} runs until {window.ends_at:%H:%M} UTC"
    elif window.state == WindowState.STABLE and not stable:
        about = f"Window #{window.id} ended as stable, but {facts.bot or 'no bot'} did not run when it began"
    else:
        about = f"Window #{window.id} ended as {window.state.replace('_', ' ')}"
    return (
        _started(facts, since),
        Finding(
            verdict=Verdict.WELL if taken else Verdict.NOTED,
            text="Evidence was taken since" if taken else "No evidence was taken since",
            source=SOURCE,
            signs={"evidence.taken": taken},
        ),
        Finding(
            verdict=Verdict.WELL if stable else Verdict.NOTED,
            text=about,
            source=SOURCE,
            signs={"window.stable": stable},
        ),
        Finding(
            verdict=Verdict.WELL if facts.log_written else Verdict.NOTED,
            text="A recovery log was written since"
            if facts.log_written
            else "No recovery log was written since",
            source=SOURCE,
            signs={"log.written": facts.log_written, "log.closed": facts.log_closed},
        ),
    )
