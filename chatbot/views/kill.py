"""Everything said about a kill beside its card: answers, alarms, news in its thread, and its two forms."""

from datetime import datetime

from chatbot.views import kill_card
from chatbot.views import kill_words as words
from chatbot.views.blocks import Message, View, context, header, message, reason_form, section
from chatbot.views.kill_card import card
from chatbot.views.kill_state import Joined, KillCard, Phase
from chatbot.views.markup import (
    NAME_SHOWN,
    channel,
    for_terminal,
    outside,
    person,
    when,
)
from chatbot.views.markup import (
    line as outside_line,
)
from chatbot.views.procedure import contact_lines, mentions
from commands.kill import Doubt
from config.settings import Contact

__all__ = [
    "Joined",
    "KillCard",
    "Phase",
    "acknowledged",
    "alarm",
    "came_back",
    "card",
    "close_modal",
    "closed",
    "confirmed_late",
    "joined",
    "joined_note",
    "line",
    "mismatch",
    "outcome",
    "reason_given",
    "reason_modal",
    "switch_forgotten",
]


def line(state: KillCard) -> str:
    """Where the kill stands, in one plain line for a terminal."""
    return for_terminal(kill_card.line(state))


def acknowledged(action: str, ops: str, at: datetime, *, reason: str, recorded: bool) -> Message:
    """What the person who typed it is told at once; ``ops`` is the channel with the card."""
    return message(
        section(
            f"*Kill accepted* at {when(at)}: the stop of the whole fleet is being sent now.",
            f"It is *not confirmed yet*. Watch {channel(ops)}; you are also told here what was seen.",
            f"*Reason*: {outside(reason)}"
            if reason
            else "You gave no reason: press Say why on the card when there is time.",
        ),
        None if recorded else section(words.NOT_RECORDED),
        context(outside(action, NAME_SHOWN)),
    )


def joined(action: str, ops: str, first: Joined) -> Message:
    """What the second person is told: whose kill theirs joined, and what was done all the same."""
    return message(
        section(
            f"*The fleet is being killed already*, since {when(first.at)} by {person(first.by)}: yours "
            "joined that kill, and the stop is being sent once more.",
            f"The first reason stays: {outside(first.reason)}" if first.reason else "",
            f"Watch {channel(ops)} for what was seen.",
        ),
        context(outside(action, NAME_SHOWN)),
    )


def mismatch(
    doubts: tuple[Doubt, ...], since: datetime, contacts: tuple[Contact, ...], *, again: bool, now: datetime
) -> Message:
    """The alarm when the fleet moves against a kill that our record holds."""
    what = ", ".join(
        f"{outside(each.bot, NAME_SHOWN) if each.bot else 'kill switch'} {outside(each.word, NAME_SHOWN)}"
        for each in doubts
        if each.proven
    )
    next_step = (
        "The kill is being sent again; its card tells what is seen. Nobody released it here."
        if again
        else "By your settings it is *not* sent again: type /kill to stop the fleet, or let two admins take the "
        "release into our record with /override."
    )
    return message(
        header("🚨 THE KILL NO LONGER HOLDS"),
        section(
            f"{mentions(contacts)} Our record holds a kill since {when(since, day=True)}, and at {when(now)} this was "
            f"seen: *{what}*. A restart of the coordinator does this, or somebody's own command.",
            next_step,
        ),
    )


def joined_note(action: str, second: Joined) -> Message:
    """For the thread of the card: a second person killed, too."""
    said = f", saying: {outside(second.reason)}" if second.reason else ""
    return message(
        section(
            f"{person(second.by)} sent a kill as well at {when(second.at)}{said}. It joined this one, and "
            "the stop is being sent once more."
        ),
        context(outside(action, NAME_SHOWN)),
    )


def alarm(state: KillCard) -> Message:
    """For the thread at each warning time: what is not confirmed, what to do, and last whom to call."""
    called = mentions(state.contacts) if state.mentions_contacts else ""
    return message(
        header(kill_card.headline(state)),
        section(called) if called else None,
        section(
            *words.doubt_lines(state),
            words.sending(state),
            "*Do not wait for this bot*: stop it by hand now, the commands are on the card above.",
        ),
        section("*Call now*", *contact_lines(state.contacts)) if state.mentions_contacts else None,
        section("Once it is stopped, press Close on the card and write how.")
        if state.mentions_contacts
        else None,
    )


def came_back(state: KillCard, bot: str, now: datetime) -> Message:
    """For the thread: a bot moves again after it was seen stopped."""
    name = outside(bot, NAME_SHOWN)
    seen = next((doubt for doubt in state.doubts if doubt.bot == bot), None)
    word = outside(seen.word, NAME_SHOWN) if seen is not None else "not seen stopped"
    proven = seen is not None and seen.proven
    what = f"{name} is trading again ({word})" if proven else f"{name} is no longer seen stopped ({word})"
    return message(
        header(f"🚨 {outside_line(bot, NAME_SHOWN)} came back after the kill"),
        section(
            f"{mentions(state.contacts)} *{what}*, seen at {when(state.seen_at or now)}. It is being stopped again.",
            "Find out what started it, and stop its process on its own host until you know.",
        ),
    )


def switch_forgotten(state: KillCard, now: datetime) -> Message:
    """For the thread: the coordinator does not say any more that the kill switch is active."""
    unsure = any(doubt.bot is None and not doubt.proven for doubt in state.doubts)
    says = (
        "no longer says whether its kill switch is active" if unsure else "says that its kill switch is off"
    )
    return message(
        header("🚨 The coordinator forgot the kill"),
        section(
            f"{mentions(state.contacts)} *The coordinator {says}*, seen at {when(state.seen_at or now)}. "
            "Nobody released it here, and the kill is being sent again.",
            "A restart of the coordinator does this: look whether somebody restarted it.",
        ),
    )


def confirmed_late(state: KillCard) -> Message:
    """For the thread, after an alarm: it is confirmed after all."""
    return message(
        header("✅ Confirmed after all: the fleet is stopped"),
        section(words.verified(state), words.watching(state)),
    )


def outcome(state: KillCard) -> Message:
    """The news for the person who typed it, where they typed it."""
    urgent = state.phase is Phase.NOT_CONFIRMED
    said = (*words.doubt_lines(state), words.sending(state)) if urgent else (kill_card.line(state),)
    return message(
        section(f"*{outside(kill_card.headline(state))}*", *said),
        section("*Do not wait for this bot*: stop it by hand, the commands are on the card.")
        if urgent
        else None,
        None if state.recorded else section(words.NOT_RECORDED),
        context(f"The card in the ops channel has the details · {outside(state.id, NAME_SHOWN)}"),
    )


def closed(state: KillCard) -> Message:
    """For the thread: a person ended the kill by hand."""
    return message(section(kill_card.line(state), "Nothing more is sent for this kill."))


def reason_given(action: str, by: str, reason: str) -> Message:
    """For the thread: why the fleet was killed, said afterwards."""
    return message(section(f"{person(by)} says why: {outside(reason)}"), context(outside(action, NAME_SHOWN)))


def close_modal(action: str) -> View:
    """The form behind Close: how the fleet was stopped by hand."""
    return reason_form(
        "kill.close",
        action,
        title="Close this kill",
        explanation=(
            "Close it only when the fleet was stopped by hand: *this bot then sends and reads nothing more "
            "for this kill*. The fleet stays killed in our record."
        ),
        label="How was it stopped, and how do you know?",
        submit="Close",
    )


def reason_modal(action: str) -> View:
    """The form behind Say why."""
    return reason_form(
        "kill.reason",
        action,
        title="Say why",
        explanation="The fleet was killed without a reason. What you write goes into the record and stays.",
        label="Why was the fleet killed?",
        submit="Keep",
    )
