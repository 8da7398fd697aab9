"""The same two people without Slack: ask, approve, deny and withdraw from a terminal, each proven by a code.

The policy, the digest, the expiry and the audit are those of the buttons. Who sits at the terminal is written down
beside whom they say they are. What the last approval frees runs here, to its end.
"""

import asyncio
import getpass
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from chatbot.approvals import copies
from chatbot.approvals.ends import Ballot
from chatbot.approvals.locking import lock
from chatbot.parts import Core, Second, for_two_at_a_terminal
from chatbot.posting import open_session
from chatbot.views import approval as view
from chatbot.views.approval_state import RequestCard
from chatbot.views.markup import for_terminal
from commands.parsing import parse
from commands.spec import Request, UserError
from config.settings import Settings
from storage import totp
from storage.actions import State
from storage.database import StorageError

Say = Callable[[str], None]
Prompt = Callable[[], str]
"""Asks for a code and returns what was typed."""

SLACK_SECONDS = 2.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seat:
    """Somebody at the terminal: whom they say they are, and with what they work."""

    core: Core
    second: Second
    person: str
    login: str
    say: Say


async def ask(settings: Settings, line: str, *, person: str, prompt: Prompt, say: Say) -> int:
    """Ask for what a command line such as "start ndax full" asks for; 0 when it waits for approval now."""
    async with _seated(settings, person, say) as seat:
        name, _, text = line.partition(" ")
        request = parse(name, text, settings.coordinator.bots, root=settings.slack.root_command)
        await _proven(seat, prompt)
        asked = await seat.second.asking.request(
            request,
            by=person,
            source="terminal",
            key="",
            channel=None,
            response_url=None,
            actor=seat.login,
        )
        _show(asked.card, say)
        if asked.card.solo:
            say(
                f"It goes at {asked.card.frees_at:%H:%M:%S} UTC, by a bot that serves, unless somebody cancels."
            )
        else:
            say(f"Next, another admin types: chatbot approve {asked.card.id} --as THEIR_SLACK_ID")
        return 0


async def lock_down(settings: Settings, reason: str, *, say: Say) -> int:
    """Begin a lockdown: like every stop it takes one person and no code."""
    async with open_session() as session:
        core, _ = for_two_at_a_terminal(settings, session)
        try:
            with suppress(StorageError):
                await core.database.prepare()
            message = await lock(
                core.desk,
                Request(command="lockdown", option="on", reason=reason),
                by=f"terminal:{getpass.getuser()}",
                source="terminal",
                key="",
            )
            say(for_terminal(message.text))
            return 0
        finally:
            await core.close()


async def approve(settings: Settings, action_id: str, *, person: str, prompt: Prompt, say: Say) -> int:
    """Approve a request after it was shown; 0 when it counts and, if it was the last, when it was read back."""
    async with _seated(settings, person, say) as seat:
        card = await _shown(seat, action_id)
        if not card.pending or card.by == person:
            own = "You asked for this yourself, so somebody else has to decide. " if card.by == person else ""
            raise UserError(view.answer(card, f"{own}Nothing was approved."))
        ballot = await seat.second.voting.approve(
            card.id, version=card.version, person=person, proof="terminal", code=_typed(prompt)
        )
        _refused(ballot)
        if ballot.freed is None:
            say("Your approval counts; it takes more of them.")
            return 0
        say("Approved. It is sent and read back now ...")
        return await _follow(seat, card.id)


async def deny(
    settings: Settings, action_id: str, *, person: str, reason: str, prompt: Prompt, say: Say
) -> int:
    """Deny a request; one denial ends it."""
    async with _seated(settings, person, say) as seat:
        card = await _shown(seat, action_id)
        await _proven(seat, prompt)
        _refused(await seat.second.voting.deny(card.id, person=person, reason=reason, proof="terminal"))
        say("Denied: nothing was sent.")
        return 0


async def withdraw(settings: Settings, action_id: str, *, person: str, prompt: Prompt, say: Say) -> int:
    """Withdraw a request of one's own."""
    async with _seated(settings, person, say) as seat:
        card = await _shown(seat, action_id)
        await _proven(seat, prompt)
        _refused(
            await seat.second.voting.withdraw(card.id, person=person, anybody=card.solo, proof="terminal")
        )
        say("Withdrawn: nothing was sent.")
        return 0


async def waiting(settings: Settings, *, say: Say) -> int:
    """List what waits for approval, and the last requests."""
    async with open_session() as session:
        core, _ = for_two_at_a_terminal(settings, session)
        try:
            open_now, lately = await core.database.read(
                lambda conn: (copies.waiting(conn), copies.ended(conn))
            )
        finally:
            await core.close()
    for card in open_now:
        _show(card, say)
    if not open_now:
        say("Nothing waits for approval.")
    for card in lately:
        say(for_terminal(view.answer(card, "").strip()))
    return 0


@asynccontextmanager
async def _seated(settings: Settings, person: str, say: Say) -> AsyncIterator[Seat]:
    """An admin at the terminal; UserError for anybody else, as far as configuration and Slack can tell."""
    if person not in settings.roles.admins:
        raise UserError(
            f"{person} is no admin by the configuration, so nothing was done: write --as YOUR_SLACK_ID."
        )
    async with open_session() as session:
        core, second = for_two_at_a_terminal(settings, session)
        try:
            await core.database.prepare()
            await core.recorder.settle()
            await _refuse_gone(settings, second, person, say)
            await second.codes.ready(person)
            yield Seat(core=core, second=second, person=person, login=getpass.getuser(), say=say)
        finally:
            await core.executor.stop(0)
            if core.desk.tasks:
                await asyncio.wait(set(core.desk.tasks), timeout=2)
            await core.close()


async def _refuse_gone(settings: Settings, second: Second, person: str, say: Say) -> None:
    """Whom Slack calls deactivated, a guest or a stranger may do nothing here either; Slack may be away, though."""
    if settings.slack.bot_token is None:
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(SLACK_SECONDS):
            await second.people.look_up(person)
    flaw, known = second.people.flaw(person)
    if flaw is not None:
        raise UserError(f"Slack says that the account {person} is {flaw}, so nothing was done.")
    if not known:
        say("Note: Slack does not answer, so it goes by the configuration and your code alone.")


def _typed(prompt: Prompt) -> str:
    """What was typed, with Ctrl-C ending the wait: the loop would only note it, and nothing else has to run here."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        return prompt()
    finally:
        signal.signal(signal.SIGINT, before)


async def _proven(seat: Seat, prompt: Prompt) -> None:
    """Prove who sits there by a code, which is used up by it."""
    step = await seat.second.codes.step(seat.person, _typed(prompt))
    now = seat.core.desk.now()
    if not await seat.core.database.write(lambda conn: totp.use(conn, seat.person, step, now)):
        raise UserError("This code was used already, so nothing was done: wait for the next one.")


async def _shown(seat: Seat, action_id: str) -> RequestCard:
    card = await seat.second.voting.look(action_id.strip())
    if card is None:
        raise UserError("There is no such request, so nothing was done: chatbot approvals lists them.")
    _show(card, seat.say)
    return card


def _show(card: RequestCard, say: Say) -> None:
    say(for_terminal(view.card(card).text))


def _refused(ballot: Ballot) -> None:
    if ballot.refusal is not None:
        raise UserError(ballot.refusal.sentence)


async def _follow(seat: Seat, action_id: str) -> int:
    """Run what was approved to its end, here; 0 when it was read back."""
    keeping = asyncio.ensure_future(seat.core.executor.keep())
    try:
        await seat.core.executor.wait_for(action_id)
    finally:
        keeping.cancel()
        await asyncio.gather(keeping, return_exceptions=True)
    card = await seat.second.voting.look(action_id)
    if card is None:
        return 1
    _show(card, seat.say)
    return 0 if card.action is State.VERIFIED else 1
