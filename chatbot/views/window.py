"""Every message about monitoring windows."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from chatbot.views import window_words as words
from chatbot.views.blocks import (
    Block,
    Message,
    View,
    actions,
    button,
    confirm,
    context,
    form,
    header,
    message,
    section,
    select_input,
)
from chatbot.views.kill_button import kill_button
from chatbot.views.markup import NAME_SHOWN, channel, lasting, outside, person, when
from chatbot.views.window_state import WindowCard

BOTS_SHOWN = 12
LISTED = 10
ENDED_LISTED = 5
EXTENSIONS = {"15m": "15 minutes", "30m": "30 minutes", "1h": "1 hour", "4h": "4 hours", "24h": "24 hours"}


def card(state: WindowCard) -> Message:
    """The card of one window; once it is over it has no buttons."""
    return message(
        header(words.headline(state)),
        section(*words.standing(state)),
        section(*(words.bot(each) for each in state.bots[:BOTS_SHOWN])),
        section(words.coverage(state), words.profit(state)),
        actions(*_buttons(state)) if state.open else None,
        context(words.small_print(state)),
    )


def _buttons(state: WindowCard) -> tuple[Block, ...]:
    sure = confirm(
        "Close this window?",
        f"Nobody watches {outside(state.what, NAME_SHOWN)} in it any more, and a window that is closed early proves "
        "nothing. Nothing in the fleet is changed.",
        yes="Close",
        no="Go on",
    )
    value = str(state.number)
    return (
        button("Extend", "window.extend", value=value),
        button("Close", "window.close", value=value, confirm=sure),
    )


def changed(news: Sequence[str], at: datetime) -> Message:
    """What changed between two looks, as a reply."""
    return message(section(f"{when(at)}: {outside('; '.join(news), 600)}."))


def extended(state: WindowCard, by: str, span: timedelta) -> Message:
    """That somebody made it longer, as a reply."""
    until = when(state.ends_at, day=True)
    return message(section(f"{person(by)} extended this window by {lasting(span)}: it lasts until {until}."))


def clock_was_set(shift: timedelta) -> Message:
    """That the machine's clock was set, as a reply."""
    way = "forward" if shift > timedelta() else "back"
    return message(
        section(
            f"The clock of this machine was set {way} by {lasting(abs(shift))}: the times of this window were moved "
            "with it, so that it lasts as long as before."
        )
    )


def summary(state: WindowCard) -> Message:
    """How a window ended: a reply, for an edited card notifies nobody."""
    follow = state.next_bot if state.state == "stable" and state.ran else None
    offer = ""
    if follow is not None:
        offer = (
            f"*Next*: {outside(follow, NAME_SHOWN)}, in safe mode. Start asks for it; another admin approves, as with "
            "/start."
        )
    return message(
        section(f"{person(state.opened_by)} *{outside(words.headline(state), 150)}*", *words.standing(state)),
        section(*(words.bot(each) for each in state.bots[:BOTS_SHOWN])),
        section(words.coverage(state), words.profit(state)),
        section(offer),
        actions(button(f"Start {follow}", "window.next", value=str(state.number), style="primary"))
        if follow is not None
        else None,
        context("The chart follows here." if state.charted else ""),
    )


def alarm(
    states: Sequence[WindowCard], *, on_call: str | None, contacts: Sequence[str], stopping: bool
) -> Message:
    """The alarm about windows that one thing ended as unstable; ``stopping``: the stop was given already."""
    first = states[0]
    called = [each for each in dict.fromkeys((on_call, first.opened_by, *contacts)) if each]
    culprit = first.culprit or first.what
    numbers = ", ".join(f"#{each.number}" for each in states[:10])
    many = f"windows {numbers}" if len(states) > 1 else f"window {numbers}"
    more = f" and {len(states) - 10} more" if len(states) > 10 else ""
    target = first.culprit or first.bot
    value = str(first.number)
    return message(
        header(f"⛔ UNSTABLE: {culprit}"),
        section(
            " ".join(person(each) for each in called if each != "chatbot"),
            f"*Why*: {outside(first.why, 300)}. This ended {many}{more} as *unstable*.",
            _what_now(first, stopping=stopping),
        ),
        actions(
            button("Stop", "window.stop", value=value, style="danger") if target is not None else None,
            button("Keep", "window.keep", value=value),
            kill_button(),
        ),
        context(f"{numbers} · watched since {when(first.begun_at, day=True)}"),
    )


def _what_now(state: WindowCard, *, stopping: bool) -> str:
    """What was done about it, and what whoever reads it can do."""
    target = state.culprit or state.bot
    if stopping:
        what = outside(target or "the whole fleet", NAME_SHOWN)
        return f"*By the policy {what} is being stopped now*: its card tells what was seen."
    if state.rule == "left_running":
        return (
            "Nothing was stopped by this: when this was seen it did not run, and whatever watches over it may start it "
            "again at any time. Stop makes sure that it stays down; Keep says that all is well."
        )
    if target is None:
        return "Kill stops the whole fleet; Keep says that it may go on. Nothing was stopped so far."
    return "Stop stops it; Keep says that it may go on. Nothing was stopped so far."


def settled(by: str, *, stopped: str | None) -> Message:
    """What somebody answered to an alarm, as a reply."""
    said = f"stops {outside(stopped, NAME_SHOWN)}" if stopped else "lets it go on as it is"
    return message(section(f"{person(by)} {said}."))


def safe_mode_over(bot: str, begun_at: datetime, span: timedelta, by: str) -> Message:
    """That the time of a safe mode is over and somebody has to decide."""
    name = outside(bot, NAME_SHOWN)
    return message(
        header(f"Safe mode of {bot}: {lasting(span)} are over"),
        section(
            f"{person(by)} {name} was told to be in safe mode at {when(begun_at, day=True)}. The coordinator may lift "
            "it by itself now, and whether it has cannot be read back: *decide it*.",
            f"Full limits on purpose: press Stop, then type /start {name} full. Safe mode anew: press Stop, then type "
            f"/start {name}. Both take another admin. Without either it goes on as it is, at limits that nobody here "
            "can see. *Nothing was changed by this message.*",
        ),
        actions(button("Stop", "window.stop", value=f"bot:{bot}", style="danger")),
    )


def opened(state: WindowCard, where: str) -> Message:
    """What the person who opened it is told."""
    until = when(state.ends_at, day=True)
    return message(
        section(
            f"*Watching {outside(state.what, NAME_SHOWN)}* until {until}, a look every {lasting(state.every)} "
            f"(window #{state.number}). The card stands in {channel(where)}. It changes nothing in the fleet."
        )
    )


def answer(sentence: str) -> Message:
    """One sentence for the person who did something."""
    return message(section(sentence))


def extend_form(state: WindowCard) -> View:
    """The form behind Extend."""
    return form(
        "window.extend",
        str(state.number),
        select_input("span", "By how much?", EXTENSIONS, initial="30m"),
        title=f"Extend #{state.number}",
        explanation=f"*{outside(words.headline(state), 150)}*, until {when(state.ends_at, day=True)}.",
        submit="Extend",
    )


def listing(
    standing: Sequence[WindowCard], ended: Sequence[WindowCard], *, total: int, may_change: bool
) -> Message:
    """The answer to /windows."""
    shown = standing[:LISTED]
    blocks: list[Block | None] = [header("Monitoring windows")]
    for each in shown:
        blocks.append(section(words.line(each)))
        if may_change:
            blocks.append(actions(*_buttons(each)))
    if total > len(shown):
        blocks.append(section(f"... and {total - len(shown)} more that are open."))
    if not standing:
        blocks.append(section("None is open. /monitor ndax 30m opens one."))
    if ended:
        blocks.append(section("*Ended lately*", *(words.line(each) for each in ended[:ENDED_LISTED])))
    return message(*blocks)
