"""What is said of one /stop or /pause: the answer, and the card with what was observed."""

from dataclasses import dataclass
from datetime import datetime

from chatbot.views.blocks import Message, context, header, message, section
from chatbot.views.kill_words import NOT_RECORDED
from chatbot.views.markup import ERROR_SHOWN, NAME_SHOWN, lasting, line, outside, person, when
from commands.coordinator.model import BotStatus

_DONE = {"stop": "stopped", "pause": "paused"}
_DOING = {"stop": "Stopping", "pause": "Pausing"}


@dataclass(frozen=True, slots=True, kw_only=True)
class BotCard:
    """Everything shown of one stop or pause; ``state`` is the state word of the action."""

    id: str
    command: str  # "stop" or "pause"
    bot: str
    by: str
    reason: str
    accepted_at: datetime
    now: datetime
    state: str  # queued, running, verified, not_verified, failed, closed
    observed: BotStatus | None = None
    seen_at: datetime | None = None
    error: str | None = None


def acknowledged(state: BotCard, *, recorded: bool) -> Message:
    """What the person who typed it is told at once."""
    bot = outside(state.bot, NAME_SHOWN)
    return message(
        section(
            f"*{_doing(state)} {bot}*, accepted at {when(state.accepted_at)}: it is being sent now and is *not "
            "verified yet*. You are told here what was seen.",
            f"*Reason*: {outside(state.reason)}" if state.reason else "",
        ),
        None if recorded else section(NOT_RECORDED),
        context(outside(state.id, NAME_SHOWN)),
    )


def card(state: BotCard) -> Message:
    """The card in the ops channel, and the answer to the person, drawn anew when it is decided."""
    return message(
        header(_headline(state)),
        section(*_body(state)),
        section(f"*Reason*: {outside(state.reason)}") if state.reason else None,
        context(
            f"{outside(state.id, NAME_SHOWN)} · /{outside(state.command, NAME_SHOWN)} from {person(state.by)}, "
            f"accepted {when(state.accepted_at)}"
        ),
    )


def _headline(state: BotCard) -> str:
    bot = line(state.bot, NAME_SHOWN)
    match state.state:
        case "verified":
            word = line((state.observed.status if state.observed is not None else None) or "", NAME_SHOWN)
            # A bot that was stopped already is not made to pause, and is not called paused.
            as_asked = not word or word.lower() == _done(state)
            return (
                f"✅ {bot} {_done(state)}: verified" if as_asked else f"✅ {bot} does not trade: it is {word}"
            )
        case "not_verified":
            return f"🚨 {bot} NOT VERIFIED: not seen {_done(state)}"
        case "failed":
            return f"🚨 {bot} NOT {_done(state).upper()}: the coordinator said no"
        case "closed":
            return f"☑️ {_doing(state)} {bot}: closed by hand"
        case _:
            return f"🛑 {_doing(state)} {bot}: not yet verified"


def _body(state: BotCard) -> tuple[str, ...]:
    bot = outside(state.bot, NAME_SHOWN)
    took = lasting(state.now - state.accepted_at)
    error = f"Last error: {outside(state.error, ERROR_SHOWN)}" if state.error else ""
    match state.state:
        case "verified":
            return (f"Verified in {took}: {_seen(state)}",)
        case "not_verified":
            return (
                (
                    f"{bot} was sent a {outside(state.command, NAME_SHOWN)} and was *not seen {_done(state)}* within "
                    f"{took}, so treat it as trading. {_seen(state)}"
                ),
                error,
                "Next: stop its process on its own host, or type /kill to stop the whole fleet.",
            )
        case "failed":
            said = outside(state.error or "", ERROR_SHOWN) or "no reason given"
            return (
                (
                    f"The coordinator refused to {outside(state.command, NAME_SHOWN)} {bot}, so this did *not* "
                    f"get it {_done(state)}: {said}"
                ),
                _seen(state) if state.seen_at is not None else "What it does now was not read.",
                "Next: look at it with /status; if it trades and should not, type /kill.",
            )
        case "closed":
            return (f"A person closed this by hand; nothing more is sent for it. {_seen(state)}",)
        case _:
            return ("It is being sent and read back. Nothing was seen yet.", error)


def _seen(state: BotCard) -> str:
    bot = outside(state.bot, NAME_SHOWN)
    if state.seen_at is None:
        return "Nothing could be read."
    if state.observed is None:
        return f"The coordinator does not list {bot} (seen at {when(state.seen_at)})."
    word = outside(state.observed.status or "", NAME_SHOWN) or "*unknown*"
    return f"{bot} is {word} (seen at {when(state.seen_at)})."


def _done(state: BotCard) -> str:
    return _DONE.get(state.command, "changed")


def _doing(state: BotCard) -> str:
    return _DOING.get(state.command, "Changing")
