"""From what was recorded to the first draft of a log: which incident it was, its timeline, and how long it took."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from commands.recovering.model import UNKNOWN, Draft, Moment, Times
from commands.words import cut
from storage.actions import STARTS, Action, State
from storage.alerts import AlertRow
from storage.approvals import Vote
from storage.windows import WindowRow

PAUSE = timedelta(hours=6)
"""Trouble that begins later than this after the last is another incident."""

LOOK_BACK = timedelta(days=7)
MOMENTS = 200
FIELD = 3000
STOPS = frozenset({"kill", "stop"})
RELEASES = frozenset({"override", "force-override"})
_DONE = {State.VERIFIED: "verified", State.NOT_VERIFIED: "NOT verified", State.FAILED: "failed"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """What our own record holds of some days: alerts, actions, votes by action, windows."""

    alerts: Sequence[AlertRow] = ()
    actions: Sequence[Action] = ()
    votes: Sequence[tuple[str, Vote]] = ()
    windows: Sequence[WindowRow] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident:
    """One incident as it was recorded."""

    draft: Draft
    timeline: tuple[Moment, ...]
    times: Times
    people: tuple[str, ...]
    approvals: tuple[str, ...]


def incident(recorded: Recorded, bot: str | None, now: datetime) -> Incident:
    """The incident of this bot (``None``: of the fleet) that goes on now or was the last one."""
    alerts = [each for each in recorded.alerts if bot is None or each.bot in (None, bot)]
    actions = [each for each in recorded.actions if bot is None or each.bot in (None, bot)]
    begin = _begin(
        [each.began_at for each in alerts] + [each.accepted_at for each in actions if each.command in STOPS],
        now,
    )
    alerts = sorted((each for each in alerts if each.began_at >= begin), key=lambda each: each.began_at)
    actions = sorted(
        (each for each in actions if each.accepted_at >= begin), key=lambda each: each.accepted_at
    )
    ours = {each.id for each in actions}
    votes = [(action, vote) for action, vote in recorded.votes if action in ours]
    windows = [
        each
        for each in recorded.windows
        if each.begun_at >= begin and (bot is None or each.bot in (None, bot))
    ]
    timeline = _timeline(alerts, actions, votes, windows)
    return Incident(
        draft=Draft(
            bot=bot,
            scenario=UNKNOWN,
            began_at=begin,
            issue=_issue(alerts, actions),
            root_cause="",
            actions_taken=_taken(timeline),
            outcome="",
            lessons="",
        ),
        timeline=timeline,
        times=_times(begin, alerts, actions),
        people=_people(actions, votes),
        approvals=tuple(f"{action}: {vote.choice.value} by {vote.person}" for action, vote in votes),
    )


def _begin(moments: Iterable[datetime], now: datetime) -> datetime:
    """When the last incident began: back from the newest trouble, as long as no pause is longer than six hours."""
    known = sorted((each for each in moments if now - LOOK_BACK <= each <= now), reverse=True)
    if not known:
        return now
    begin = known[0]
    for each in known[1:]:
        if begin - each > PAUSE:
            break
        begin = each
    return begin


def _timeline(
    alerts: Sequence[AlertRow],
    actions: Sequence[Action],
    votes: Sequence[tuple[str, Vote]],
    windows: Sequence[WindowRow],
) -> tuple[Moment, ...]:
    found = []
    for alert in alerts:
        what = f"alert #{alert.id} ({alert.severity}){f' {alert.bot}' if alert.bot else ''}: {alert.message}"
        found.append(Moment(at=alert.began_at, what=what, kind="alert"))
        if alert.ended_at is not None and not alert.firing:
            found.append(Moment(at=alert.ended_at, what=f"alert #{alert.id} is over", kind="alert"))
    for action in actions:
        found += _of_action(action)
    for which, vote in votes:
        found.append(
            Moment(at=vote.at, what=f"{which}: {vote.choice.value}", who=vote.person, kind="approval")
        )
    for window in windows:
        what = f"window #{window.id} over {window.bot or 'the fleet'}"
        found.append(Moment(at=window.begun_at, what=f"{what} opened", who=window.opened_by, kind="window"))
        if window.ended_at is not None:
            state = str(window.state).replace("_", " ")
            why = f": {window.why}" if window.why else ""
            found.append(Moment(at=window.ended_at, what=f"{what} ended {state}{why}", kind="window"))
    return _at_most(MOMENTS, sorted(found, key=lambda each: each.at))


def _at_most(most: int, found: Sequence[Moment]) -> tuple[Moment, ...]:
    """Of a storm the first alerts and all that people did; the last line says how much is missing."""
    if len(found) <= most:
        return tuple(found)
    ordered = sorted(enumerate(found), key=lambda each: (each[1].kind == "alert", each[0]))
    kept = [found[index] for index in sorted(index for index, _ in ordered[: most - 1])]
    missing = len(found) - len(kept)
    return (*kept, Moment(at=found[-1].at, what=f"{missing} more moments are not listed", kind="other"))


def _of_action(action: Action) -> list[Moment]:
    kind = _kind(action.command)
    why = f": {action.reason}" if action.reason else ""
    typed = f"/{action.command}{f' {action.bot}' if action.bot else ''} ({action.id}){why}"
    found = [Moment(at=action.accepted_at, what=typed, who=action.requested_by, kind=kind)]
    if action.sent_at is not None:
        found.append(Moment(at=action.sent_at, what=f"{action.id} sent", kind=kind))
    end = action.verified_at or action.finished_at
    word = "verified" if action.verified_at is not None else _DONE.get(action.state)
    if end is not None and word is not None:
        found.append(Moment(at=end, what=f"{action.id} {word}", kind=kind))
    return found


def _kind(command: str) -> str:
    if command == "kill":
        return "kill"
    if command in STARTS:
        return "start"
    return "release" if command in RELEASES else "stop"


def _times(begin: datetime, alerts: Sequence[AlertRow], actions: Sequence[Action]) -> Times:
    first = alerts[0] if alerts else None
    detect = None
    if first is not None and first.source_began_at is not None:
        detect = max(0.0, (first.began_at - first.source_began_at).total_seconds())
    stops = sorted(
        (each for each in actions if each.command in STOPS and each.sent_at is not None),
        key=lambda each: each.sent_at or each.accepted_at,
    )
    stop = verify = recover = None
    if stops and stops[0].sent_at is not None:
        stop = max(0.0, (stops[0].sent_at - begin).total_seconds())
        if stops[0].verified_at is not None:
            verify = max(0.0, (stops[0].verified_at - stops[0].accepted_at).total_seconds())
        back = [
            each.finished_at
            for each in actions
            if each.command in STARTS
            and each.state is State.VERIFIED
            and each.finished_at is not None
            and each.accepted_at > stops[0].accepted_at
        ]
        if back:
            recover = max(0.0, (max(back) - begin).total_seconds())
    return Times(detect=detect, stop=stop, verify=verify, recover=recover)


def _issue(alerts: Sequence[AlertRow], actions: Sequence[Action]) -> str:
    worst = sorted(alerts, key=lambda each: ("critical", "high", "warning", "info").index(each.severity))
    said = [f"{each.bot}: {each.message}" if each.bot else each.message for each in worst]
    said += [each.reason for each in actions if each.command in STOPS and each.reason]
    return cut("; ".join(dict.fromkeys(said[:5])), 500)


def _taken(timeline: Sequence[Moment]) -> str:
    lines = [
        f"{each.at:%H:%M:%S} {each.what}{f' by {each.who}' if each.who else ''}"
        for each in timeline
        if each.kind not in ("alert", "window")
    ]
    text = "\n".join(lines)
    return text if len(text) <= FIELD else text[: FIELD - 1] + "…"


def _people(actions: Sequence[Action], votes: Sequence[tuple[str, Vote]]) -> tuple[str, ...]:
    named = [each.requested_by for each in actions] + [vote.person for _, vote in votes]
    return tuple(dict.fromkeys(each for each in named if each not in ("chatbot", "elsewhere")))
