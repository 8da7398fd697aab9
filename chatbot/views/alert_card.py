"""The one card of an alert, or of several in one message: how bad, what, whose, and what to do."""

from chatbot.views import alert_words as words
from chatbot.views.alert_handbook import plain_link, to_do
from chatbot.views.alert_state import AlertCard
from chatbot.views.blocks import (
    Block,
    Message,
    actions,
    button,
    context,
    header,
    message,
    preformatted,
    section,
)
from chatbot.views.kill_button import kill_button
from chatbot.views.markup import NAME_SHOWN, line, outside, shortened
from commands.alerting.model import Kind, Source

LOGS_SHOWN = 5
LOG_SHOWN = 200
MEMBERS_SHOWN = 6
MEMBER_SHOWN = 450  # characters of markup, so that all of them fit into one section
BOTS_SHOWN = 10

_NOT_RECOVERED = frozenset(  # what no start of a bot mends
    {
        Kind.KILL,
        Kind.LATCH_MISMATCH,
        Kind.COORDINATOR_UNREACHABLE,
        Kind.MONITOR_UNREACHABLE,
        Kind.CHANNEL_BROKEN,
    }
)


def card(state: AlertCard) -> Message:
    """The message in the alerts channel, drawn anew when something changed; once it is over it has no buttons."""
    return message(*body(state), actions(*_buttons(state)), context(words.small_print(state)))


def body(state: AlertCard) -> tuple[Block | None, ...]:
    """All of the card above its buttons."""
    several = state.source is Source.SUMMARY
    logs = [shown for each in state.logs if (shown := line(each, LOG_SHOWN))][-LOGS_SHOWN:]
    return (
        header(words.headline(state)),
        section("*This is a drill.*") if state.drill else None,
        *(_several(state) if several else (section(*words.facts(state), _page(state)),)),
        section(*words.standing(state)),
        section(*to_do(state)) if state.firing else None,
        section("*Last log lines*") if logs else None,
        preformatted("\n".join(logs)) if logs else None,
    )


def _page(state: AlertCard) -> str:
    return f"*Source*: {plain_link(state.link)}" if plain_link(state.link) else ""


def _several(state: AlertCard) -> tuple[Block | None, ...]:
    """How many, of which bots, how many still fire, and the newest of them."""
    shown = state.members[:MEMBERS_SHOWN]
    more = state.count - len(shown)
    lines = [shortened(words.member(each, state.now), MEMBER_SHOWN) for each in shown]
    return (
        section(
            f"*It was*: {words.severity(state.severity)}" if not state.firing else "",
            _how_many(state),
            _by_bot(state),
            "Slack takes only so many messages, so these have none of their own. *Nothing was dropped*."
            if state.storm
            else "",
        ),
        section("*The newest*", *lines) if lines else None,
        section(
            f"... and {more} more: everything is listed by /alerts."
            if more > 0
            else "Everything is listed by /alerts."
        ),
    )


def _how_many(state: AlertCard) -> str:
    many = "1 alert" if state.count == 1 else f"{state.count} alerts"
    began = words.moment(state.began_at, state.now)
    if not state.firing:
        ended = words.moment(state.ended_at or state.last_at, state.now)
        return f"{many} from {began} to {ended} ({words.lasted(state)}); *none fires any more*."
    if state.firing_members == 0:
        return (
            f"{many} since {began}; *none fires now*. This closes when nothing new has come for some minutes."
        )
    fire = "1 still fires" if state.firing_members == 1 else f"{state.firing_members} still fire"
    return f"{many} since {began} ({words.lasted(state)}); *{fire}*."


def _by_bot(state: AlertCard) -> str:
    each = [
        f"{outside(bot, NAME_SHOWN) if bot != '-' else 'no bot named'} {count}"
        for bot, count in state.by_bot[:BOTS_SHOWN]
    ]
    more = len(state.by_bot) - BOTS_SHOWN
    if more > 0:
        each.append(f"{more} more bots")
    return f"*By bot*: {', '.join(each)}" if each else ""


def acknowledge_button(state: AlertCard, label: str = "Acknowledge") -> Block:
    """The button by which somebody takes it; the number is looked up anew with each press."""
    return button(label, "alert.ack", value=str(state.number), style="primary")


def _buttons(state: AlertCard) -> tuple[Block | None, ...]:
    """What can be done with it while it fires."""
    if not state.firing:
        return ()
    value = str(state.number)
    recoverable = state.source is not Source.SUMMARY and state.kind not in _NOT_RECOVERED
    return (
        acknowledge_button(state) if state.owner is None else None,
        button("Silence", "alert.silence", value=value),
        button("Recover", "alert.recover", value=value) if recoverable else None,
        kill_button("alert.kill", value=value),
    )
