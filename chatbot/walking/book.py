"""The book of one recovery, open for one transaction: each change in it is written, audited, told and drawn at once."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection

from chatbot.approvals.copies import draw_homes
from chatbot.views import walk as view
from chatbot.views.blocks import Message
from chatbot.views.walk_state import WalkCard
from chatbot.walking import showing
from chatbot.walking.desk import WalkDesk
from commands.probes.model import Evidence, Report, Verdict
from commands.spec import UserError
from commands.walking import judging, stepping
from commands.walking.judging import Judgement
from commands.words import cut
from storage import actions, audit, walk_steps, walks
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk, WalkState

NO_SUCH = "There is no such recovery, so nothing was changed: /recover list shows those there are."
OVER = "That recovery is over, so nothing was changed: /recover <bot> begins a new one."
LINES_KEPT = 20
WHY_SHOWN = 120
TOO_EARLY = "This look began before a kill or before the last step was settled, so it does not count: press Check again"


class Book:
    """One open recovery in the audit's line, so that nobody else changes it until the transaction ends."""

    def __init__(self, conn: Connection, desk: WalkDesk, walk: Walk, now: datetime) -> None:
        self.conn = conn
        self._desk = desk
        self._now = now
        self.walk = walk
        self.steps = walk_steps.steps(conn, walk.id)

    @classmethod
    def open(cls, conn: Connection, desk: WalkDesk, number: int, now: datetime) -> "Book":
        """The book of that recovery; UserError when there is none or it is over."""
        audit.queue_up(conn, now)
        walk = walks.get(conn, number)
        if walk is None:
            raise UserError(NO_SUCH)
        if walk.state != WalkState.OPEN:
            raise UserError(OVER)
        return cls(conn, desk, walk, now)

    @property
    def current(self) -> WalkStep | None:
        """The step that is next."""
        return stepping.current(self.steps)

    def step(self, step_id: int) -> WalkStep:
        """The step of that id; UserError when it is not the one that is next."""
        return next_step(self.steps, step_id)

    def record(self, event: str, by: str, **detail: Any) -> None:
        """Append to the audit."""
        audit.append(
            self.conn,
            at=self._now,
            actor=by,
            event=f"recovery {event}",
            subject=f"recovery {self.walk.id}",
            detail=detail,
        )

    def reply(self, name: str, message: Message) -> None:
        """Say something in the thread."""
        showing.reply(self.conn, self._desk, self.walk.id, name=name, message=message, now=self._now)

    def draw(self) -> WalkCard:
        """Owe the card as it is now."""
        return showing.draw(self.conn, self._desk, self.walk.id, self._now)

    def settle(
        self,
        step: WalkStep,
        state: StepState,
        *,
        by: str,
        note: str = "",
        judged: Judgement | None = None,
    ) -> bool:
        """Settle a step and say so; False when somebody else did. The last one ends the recovery."""
        seen = judged.lines() if judged is not None else ()
        done = walk_steps.settle(
            self.conn,
            step.id,
            state=state,
            by=by,
            note=note,
            seen=seen,
            seen_at=judged.at if judged is not None else None,
            at=self._now,
        )
        if not done:
            return False
        self.record(
            f"step {state.value}",
            by,
            step=step.number,
            name=step.name,
            bot=step.bot,
            note=note,
            seen=list(seen),
        )
        self.steps = walk_steps.steps(self.conn, self.walk.id)
        self._forget()
        walk_steps.leave_step(self.conn, self.walk.id, step.number)
        after = next(each for each in self.steps if each.id == step.id)
        self.reply(f"step-{step.id}-{self._now.timestamp():.3f}", view.settled(after))
        if self.current is None:
            self.end(WalkState.DONE, by=by, why="")
        return True

    def reopen(self, steps: Sequence[WalkStep], *, why: str, told: str, name: str) -> None:
        """These are to be done again: said once, whatever they are."""
        undone = [each for each in steps if walk_steps.reopen(self.conn, each.id, why)]
        self.steps = walk_steps.steps(self.conn, self.walk.id)
        if undone:
            self._forget()
        self.record("steps undone", "chatbot", steps=[each.number for each in undone], why=why)
        self.reply(name, view.undone(undone, told))

    def apply(
        self, reports: tuple[Report, ...], evidence: Mapping[str, Mapping[str, Evidence]], *, by: str
    ) -> None:
        """Take in a look: verify what is next, refresh what was verified.

        ``evidence`` is what was seen, by the bot that a step is about ("" for the recovery's own).
        """
        early = self._too_early(evidence)
        evidence = self._counting(evidence)
        self._refresh(evidence)
        here = self.current
        if here is not None and here.expects:
            judged = _judged(here, evidence)
            if judged.passed:
                self.settle(here, StepState.VERIFIED, by=by, judged=judged)
            lines = (*((TOO_EARLY,) if early else ()), *judged.lines(), *_ill(reports))
        else:
            lines = told(reports)
        walks.looked(self.conn, self.walk.id, lines[:LINES_KEPT], self._now)

    def verify_at_hand(self, evidence: Mapping[str, Mapping[str, Evidence]]) -> None:
        """Verify what is next by what is read all the time anyway."""
        here = self.current
        if here is None or not judging.seen_all_the_time(here):
            return
        judged = _judged(here, self._counting(evidence))
        if judged.passed:
            self.settle(here, StepState.VERIFIED, by="chatbot", judged=judged)

    def no_longer(self, step: WalkStep, lines: Sequence[str], *, unsteady: bool = False) -> None:
        """Reopen what was verified and is no longer so, and say what was seen; ``unsteady``: not for the first time.

        A bot that does not run any more undoes what a window would in which it fell.
        """
        fell = judging.is_try(step)
        undone = judging.undone_by_fall(self.steps, own=self.walk.bot, bot=step.bot or self.walk.bot)
        self.reopen(
            undone if fell else [step],
            why=cut(lines[0], WHY_SHOWN),
            told=view.no_longer(step, lines, unsteady=unsteady, lead=self.walk.lead),
            name=f"undone-{step.id}-{self._now.timestamp():.0f}",
        )

    def end(self, state: WalkState, *, by: str, why: str) -> None:
        """End the recovery and say so."""
        if not walks.end(self.conn, self.walk.id, state=state, by=by, why=why, at=self._now):
            raise UserError(OVER)
        self.record(state.value, by, why=why)
        draw_homes(self.conn, self._desk.desk, {by, self.walk.lead} - {"chatbot"}, self._now)
        walk = walks.get(self.conn, self.walk.id) or self.walk
        self.reply("ended", view.ended(showing.state_of(self.conn, self._desk, walk, self._now)))

    def _forget(self) -> None:
        """What was known of the step that was next is not what is known now; the rest of the last look is."""
        walk = walks.get(self.conn, self.walk.id)
        if walk is None or walk.looked_at is None:
            return
        kept = [each for each in walk.looked if not each.startswith((*judging.ANSWERS, TOO_EARLY))]
        if len(kept) < len(walk.looked):
            walks.looked(self.conn, walk.id, kept, walk.looked_at)

    def _moment(self) -> datetime:
        killed = actions.last_kill(self.conn)
        return judging.moment_of(
            self.steps,
            opened=self.walk.opened_at,
            killed=killed.accepted_at if killed is not None else None,
            now=self._now,
        )

    def _counting(
        self, evidence: Mapping[str, Mapping[str, Evidence]]
    ) -> Mapping[str, Mapping[str, Evidence]]:
        """Without what was looked at before a kill or before somebody settled a step: it may be so no more."""
        moment = self._moment()
        return {bot: judging.looked_since(each, moment) for bot, each in evidence.items()}

    def _too_early(self, evidence: Mapping[str, Mapping[str, Evidence]]) -> bool:
        here = self.current
        seen = evidence.get(here.bot or "", {}) if here is not None else {}
        moment = self._moment()
        return here is not None and any(name in seen and seen[name].at < moment for name in here.expects)

    def _refresh(self, evidence: Mapping[str, Mapping[str, Evidence]]) -> None:
        for each in judging.stale(self.steps, now=self._now, for_=self._desk.fresh_for):
            judged = _judged(each, evidence)
            if judged.passed:
                at = judged.at or self._now
                walk_steps.seen_again(self.conn, each.id, judged.lines(), at)
            elif judged.refuted:
                self.no_longer(each, [check.text for check in judged.checks if check.passed is False])
        self.steps = walk_steps.steps(self.conn, self.walk.id)


def next_step(steps: Sequence[WalkStep], step_id: int) -> WalkStep:
    """The step of that id; UserError when it is not the one that is next, with what was said of it meanwhile."""
    here = stepping.current(steps)
    if here is not None and here.id == step_id:
        return here
    meant = next((each for each in steps if each.id == step_id), None)
    if meant is None or meant.state == StepState.OPEN or meant.settled_at is None:
        raise UserError("That step is not the one that is next: look at the card again. Nothing was changed.")
    raise UserError(
        f"Step {meant.number} was {meant.state} at {meant.settled_at:%H:%M:%S} UTC already, so nothing was changed: "
        "the card says how and by whom."
    )


def _judged(step: WalkStep, evidence: Mapping[str, Mapping[str, Evidence]]) -> Judgement:
    return judging.judge(step.expects, evidence.get(step.bot or "", {}))


def _ill(reports: tuple[Report, ...]) -> tuple[str, ...]:
    """What is not as it should be, or could not be looked at."""
    found = [each for report in reports for each in report.findings]
    shown = [each for each in found if each.verdict in {Verdict.ILL, Verdict.UNKNOWN}]
    return tuple(f"{each.text} ({each.source})" for each in shown)


def told(reports: tuple[Report, ...]) -> tuple[str, ...]:
    """What was seen: the trouble first, then what is well, then what could not be looked at."""
    order = (Verdict.ILL, Verdict.NOTED, Verdict.WELL, Verdict.UNKNOWN)
    found = [each for report in reports for each in report.findings]
    shown = [each for verdict in order for each in found if each.verdict is verdict]
    return tuple(dict.fromkeys(f"{each.text} ({each.source})" for each in shown))
