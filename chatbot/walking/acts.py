"""What people do in a recovery: open, choose, check, say, take, hand over, give up. Each act is one transaction."""

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeVar

from sqlalchemy import Connection

from chatbot.approvals.copies import draw_homes
from chatbot.steps import Owing, owe
from chatbot.views import walk as view
from chatbot.views import walk_forms as forms
from chatbot.views.blocks import Message, View
from chatbot.views.walk_words import fleet
from chatbot.walking import showing, undoing
from chatbot.walking.book import NO_SUCH, OVER, Book, next_step, told
from chatbot.walking.desk import WalkDesk
from chatbot.walking.opening import open_walk, refuse_second
from chatbot.walking.probing import Prober
from commands.probes.model import Evidence, Report, gathered
from commands.spec import Request, UserError
from commands.walking import judging, stepping
from commands.walking.proposing import propose
from config.runbooks import Runbook
from storage import walk_steps, walks
from storage.walk_steps import StepState, WalkStep
from storage.walks import Walk, WalkState

LOOKED = 20
LISTED = 10

_WORDS = re.compile(r"\W*(drill|force|full)\b", re.IGNORECASE)

T = TypeVar("T")


class WalkActs:
    """Every act on recoveries; UserError says what was not done."""

    def __init__(self, *, desk: WalkDesk, prober: Prober) -> None:
        self._desk = desk
        self._prober = prober

    async def open(self, request: Request, *, by: str, key: str) -> Message:
        """Open one; the same delivery twice opens one."""
        runbook = self._named(request.target) if request.target else None
        now = self._desk.desk.now()
        verb = partial(
            open_walk, desk=self._desk, bot=request.bot, by=by, now=now, runbook=runbook, key=key or None
        )
        state = await self._desk.desk.change(verb)
        if state is None:
            return view.answer("That recovery is open already: the same request came before.")
        return view.begun(state, self._desk.desk.ops)

    async def may_open(self, bot: str | None) -> None:
        """UserError where another recovery is in the way, so that nobody is asked to agree to what cannot be."""
        await self._desk.desk.ask(lambda conn: refuse_second(conn, bot))

    async def choose(self, number: int, scenario: str, *, by: str, before: str = "") -> None:
        """Lay out the steps of this runbook; what was done of those that both begin with stays done.

        ``before`` is what was chosen when they were offered the choice: UserError when it is something else by now.
        """
        runbook = self._named(scenario)
        await self._in_book(number, partial(_choose, desk=self._desk, runbook=runbook, by=by, before=before))

    async def look(self, number: int) -> None:
        """Look at everything, and propose runbooks with their evidence."""
        walk = await self._walk(number)
        reports = await self._prober.look(bot=walk.bot, walk=walk)
        proposals = propose(self._desk.runbooks, gathered(reports))
        lines = told(reports)[:LOOKED]

        def verb(book: Book) -> None:
            walks.propose(
                book.conn, number, [each.as_json() for each in proposals], lines, self._desk.desk.now()
            )
            book.record("looked", "chatbot", proposed=[each.scenario for each in proposals])
            book.draw()

        await self._in_book(number, verb)

    async def check(self, number: int, *, by: str) -> None:
        """Look at what the next step expects, and again at what was verified too long ago."""
        walk = await self._walk(number)
        now = self._desk.desk.now()
        steps = await self._desk.desk.ask(lambda conn: walk_steps.steps(conn, number))
        here = stepping.current(steps)
        due = judging.stale(steps, now=now, for_=self._desk.fresh_for)
        wanted = (*((here,) if here is not None else ()), *due)
        if not wanted:
            await self.look(number)
            return
        reports, evidence = await self._seen(walk, wanted)

        def verb(book: Book) -> None:
            book.apply(reports, evidence, by=by)
            book.draw()

        await self._in_book(number, verb)

    async def say(self, number: int, step_id: int, state: StepState, note: str, *, by: str) -> WalkStep:
        """A person says that a step is done, or that it does not apply; the step as it was before."""

        def verb(book: Book) -> WalkStep:
            step = book.step(step_id)
            if state is StepState.SKIPPED and not step.skippable:
                raise UserError("This step cannot be skipped: do it, press Done, or abandon the recovery.")
            book.settle(step, state, by=by, note=note)
            book.draw()
            return step

        return await self._in_book(number, verb, as_shown=True)

    async def cause(self, number: int) -> WalkStep | None:
        """The step in which somebody named the cause."""
        return stepping.cause_of(await self._desk.desk.ask(lambda conn: walk_steps.steps(conn, number)))

    async def take(self, number: int, step_id: int, *, by: str) -> Message:
        """Everybody sees who is on which step."""

        def verb(book: Book) -> Message:
            step = book.step(step_id)
            walk_steps.take(book.conn, number, by, step.number, self._desk.desk.now())
            book.record("step taken", by, step=step.number)
            book.draw()
            return view.answer(
                f"You are on step {step.number} of recovery #{number}: everybody sees it on the card."
            )

        return await self._in_book(number, verb)

    async def hand_over(self, number: int | None, to: str, *, by: str, admin: bool) -> Message:
        """Give the lead to somebody else, with a summary for them."""
        number = number if number is not None else await self._only_one()

        def verb(book: Book) -> Message:
            walk = book.walk
            if by != walk.lead and not admin:
                raise UserError(
                    f"Recovery #{number} is handed over by whoever leads it or by an admin, so nothing was changed."
                )
            if to == walk.lead:
                return view.answer(f"That person leads recovery #{number} already. Nothing was changed.")
            walks.hand_over(book.conn, walk.id, before=walk.lead, to=to)
            book.record("handed over", by, before=walk.lead, to=to)
            state = book.draw()
            now = self._desk.desk.now()
            draw_homes(book.conn, self._desk.desk, {walk.lead, to}, now)
            message = view.handed_over(state, by, walk.lead)
            book.reply(f"lead-{now.timestamp():.3f}", message)
            direct = Owing(
                key=f"{showing.card_key(walk.id)}/lead/{now.timestamp():.3f}",
                channel=to,
                payload=message.payload(),
                priority=showing.REPLY,
            )
            owe(book.conn, (direct,), now)
            return view.answer(f"Recovery #{walk.id} is handed over; the new lead got a summary.")

        return await self._in_book(number, verb)

    async def abandon(self, number: int, reason: str, *, by: str) -> Message:
        """Give a recovery up, in sight of everybody."""

        def verb(book: Book) -> Message:
            book.end(WalkState.ABANDONED, by=by, why=reason)
            book.draw()
            return view.answer(f"Recovery #{number} is abandoned. Nothing in the fleet was changed by that.")

        return await self._in_book(number, verb)

    async def listed(self) -> Message:
        """The answer to /recover list."""
        now = self._desk.desk.now()

        def query(conn: Connection) -> Message:
            standing = [showing.state_of(conn, self._desk, each, now) for each in walks.standing(conn)]
            over = [showing.state_of(conn, self._desk, each, now) for each in walks.ended(conn, LISTED)]
            return view.listing(standing, over)

        return await self._desk.desk.ask(query)

    async def shown(self, number: int | None) -> Message:
        """The answer to /recover show."""
        wanted = number if number is not None else await self._only_one()
        now = self._desk.desk.now()

        def query(conn: Connection) -> Message:
            walk = walks.get(conn, wanted)
            if walk is None:
                raise UserError(NO_SUCH)
            return view.shown(showing.state_of(conn, self._desk, walk, now))

        return await self._desk.desk.ask(query)

    async def form(self, name: str, number: int, step_id: int) -> View:
        """The form behind a button; UserError when it asks for nothing any more."""
        walk = await self._walk(number)
        match name:
            case "walk.pick":
                return forms.pick_form(walk, self._desk.titles)
            case "walk.hand":
                return forms.hand_form(walk)
            case "walk.abandon":
                return forms.abandon_form(walk)
        step = await self._step(number, step_id)
        if name != "walk.done":
            return forms.skip_form(walk, step)
        return forms.done_form(walk, step, await self._fleet(walk) if "fleet.stopped" in step.expects else "")

    async def _fleet(self, walk: Walk) -> str:
        """What the bots do, for whoever is about to say that they are stopped."""
        now = self._desk.desk.now()
        state = await self._desk.desk.ask(lambda conn: showing.state_of(conn, self._desk, walk, now))
        return fleet(state)

    async def command(self, number: int, step_id: int, index: int) -> str:
        """The command behind a button, as a person would type it; UserError when that step is not next any more."""
        walk, step = await self._walk(number), await self._step(number, step_id)
        if not 0 <= index < len(step.commands):
            raise UserError("That step has no such command: look at the card again. Nothing was done.")
        steps = await self._desk.desk.ask(lambda conn: walk_steps.steps(conn, number))
        return stepping.line(step.commands[index], bot=step.bot or walk.bot, reason=_reason(walk, steps))

    async def _step(self, number: int, step_id: int) -> WalkStep:
        steps = await self._desk.desk.ask(lambda conn: walk_steps.steps(conn, number))
        return next_step(steps, step_id)

    async def _walk(self, number: int) -> Walk:
        walk = await self._desk.desk.ask(lambda conn: walks.get(conn, number))
        if walk is None:
            raise UserError(NO_SUCH)
        if walk.state != WalkState.OPEN:
            raise UserError(OVER)
        return walk

    async def _only_one(self) -> int:
        standing = await self._desk.desk.ask(walks.standing)
        if len(standing) != 1:
            many = f"{len(standing)} recoveries are under way" if standing else "No recovery is under way"
            raise UserError(f"{many}, so say which one by its number: /recover list shows them.")
        return standing[0].id

    async def _seen(
        self, walk: Walk, steps: Sequence[WalkStep]
    ) -> tuple[tuple[Report, ...], Mapping[str, Mapping[str, Evidence]]]:
        """What the probes of these steps see, by the bot that each is about."""

        async def look(bot: str) -> tuple[Report, ...]:
            mine = [each for each in steps if (each.bot or "") == bot]
            least = max(map(stepping.least_window, mine))
            return await self._prober.look(
                judging.probes_of(mine), bot=bot or walk.bot, walk=walk, least=least
            )

        bots = tuple(dict.fromkeys(each.bot or "" for each in steps))
        seen = await asyncio.gather(*map(look, bots))
        reports = tuple(each for one in seen for each in one)
        return reports, {bot: gathered(one) for bot, one in zip(bots, seen, strict=True)}

    async def _in_book(self, number: int, verb: Callable[[Book], T], *, as_shown: bool = False) -> T:
        """``as_shown``: only as things stood on the card; UserError where something happened that it did not show."""

        def change(conn: Connection) -> T:
            book = Book.open(conn, self._desk, number, self._desk.desk.now())
            if undoing.take_in(book) and as_shown:
                raise UserError(
                    "The fleet was killed, or a bot fell, a moment ago, so nothing was changed: look at the card again."
                )
            return verb(book)

        return await self._desk.desk.change(change)

    def _named(self, scenario: str) -> Runbook:
        runbook = self._desk.runbook(scenario)
        if runbook is None:
            near = self._desk.nearest(scenario)
            hint = f" Did you mean {near}?" if near else ""
            names = ", ".join(each.id for each in self._desk.runbooks)
            raise UserError(
                f"There is no scenario '{scenario[:40]}'.{hint} There are: {names}. Nothing was begun."
            )
        return runbook


def _choose(book: Book, *, desk: WalkDesk, runbook: Runbook, by: str, before: str) -> None:
    walk = book.walk
    if walk.scenario != before:
        raise UserError(
            f"Somebody chose {walk.title or 'another runbook'} meanwhile, so nothing was changed: look at the card, "
            "then press Choose another."
        )
    if runbook.id == before:
        raise UserError(f"{walk.title} is the runbook of this recovery already. Nothing was changed.")
    laid = stepping.laid_out(runbook, bot=walk.bot, bots=desk.desk.bots)
    kept = stepping.carried(book.steps, laid)
    walks.choose(book.conn, walk.id, before=before, scenario=runbook.id, title=runbook.title, chosen=kept)
    book.record("runbook chosen", by, scenario=runbook.id, before=walk.scenario)
    state = book.draw()
    book.reply(f"chose-{desk.desk.now().timestamp():.3f}", view.chosen(state, by))


def _reason(walk: Walk, steps: Sequence[WalkStep]) -> str:
    """What a command says it is for: the cause that somebody wrote down, and which recovery."""
    named = stepping.cause_of(steps)
    cause = named.note if named is not None else walk.title or "recovery"
    if _WORDS.match(cause):  # at the beginning these are no reason: they make another command of it
        cause = f"cause: {cause}"
    return f"{cause} (recovery #{walk.id})"
