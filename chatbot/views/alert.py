"""Everything said about one alert beside its card: news of it, calls for help, and answers to whoever pressed."""

from datetime import timedelta

from chatbot.views import alert_words as words
from chatbot.views.alert_card import acknowledge_button, card
from chatbot.views.alert_form import silence_form
from chatbot.views.alert_handbook import recover_plan
from chatbot.views.alert_state import AlertCard, CallOut
from chatbot.views.blocks import Message, actions, context, header, message, section
from chatbot.views.kill_button import kill_button
from chatbot.views.markup import NAME_SHOWN, lasting, outside, person
from chatbot.views.procedure import contact_lines
from commands.alerting.model import Severity, Source

__all__ = [
    "AlertCard",
    "CallOut",
    "acknowledged",
    "answer_acknowledged",
    "answer_over",
    "answer_owned",
    "asked",
    "card",
    "continued",
    "escalated",
    "recover_plan",
    "resolved",
    "rose",
    "settled",
    "silence_form",
]


# -- news and calls ----------------------------------------------------------------------------------------------


def resolved(state: AlertCard) -> Message:
    """It is over: after how long, who had it, and what that does not mean."""
    return message(section(f"*{_headline(state)}*"), section(*_how_it_ended(state)))


def escalated(state: AlertCard, call: CallOut) -> Message:
    """A call for help: whom, for how long nobody has taken what, what to press, and when the next call comes."""
    waited = lasting(timedelta(seconds=call.waited_seconds))
    if call.lapsed_owner:
        short = "NOBODY HAS IT any more"
        before = f"{person(call.lapsed_owner)} took it {waited} ago and did not answer when asked again"
        long = f"{before}: *it is nobody's now*"
    else:
        short, long = f"NOBODY HAS IT for {waited}", f"*Nobody has taken this for {waited}*"
    to_call = tuple(each for each in call.contacts if each.phone or not each.slack)
    return message(
        header(f"{words.how_bad(state)}, {short}: {words.title(state)}"),
        section(_called(call)),
        section(f"{long}, and it is not over.", *words.what(state)),
        section(
            "*Now*: press Acknowledge, and it is yours and the calls stop. That stops no bot: to stop the fleet press "
            "Kill, or type /kill.",
            _next_call(state, call),
        ),
        section("*Call now*", *contact_lines(to_call)) if to_call else None,
        actions(acknowledge_button(state), kill_button("alert.kill", value=str(state.number))),
        context(f"#{state.number}"),
    )


def rose(state: AlertCard, before: Severity) -> Message:
    """It has become worse."""
    return message(
        header(f"{words.how_bad(state)}, was {before.value}: {words.title(state)}"),
        section(*words.facts(state), *words.owner(state)),
    )


def asked(state: AlertCard, *, minutes: float) -> Message:
    """The owner is asked again, and may answer with a button; ``minutes`` are left to do so."""
    owner = person(state.owner or "")
    span = lasting(timedelta(minutes=minutes))
    taken = f" at {words.moment(state.owned_at, state.now)}" if state.owned_at is not None else ""
    return message(
        section(
            f"{owner}, you took this{taken} and *it is not over*: {outside(words.title(state), 150)}, for "
            f"{words.lasted(state)} now.",
            f"*Are you still on it?* Press Still mine within {span}. Otherwise it is nobody's, and everybody is called "
            "again.",
            "To stop the fleet press Kill, or type /kill.",
        ),
        actions(acknowledge_button(state, "Still mine"), kill_button("alert.kill", value=str(state.number))),
        context(f"#{state.number}"),
    )


def settled(state: AlertCard) -> Message:
    """It flapped and does so no longer: it is over, or it fires and stays so."""
    quiet = f"*It no longer flaps*: nothing changed for {state.flap_minutes:g} min"
    if state.firing:
        return message(
            section(
                f"*{_headline(state)}*",
                f"{quiet}, and *it goes on firing*. From now on it is told as any other alert.",
                *words.owner(state),
            )
        )
    return message(
        section(f"*{_headline(state)}*"),
        section(f"{quiet}, and it stayed quiet.", *_how_it_ended(state)),
    )


def acknowledged(state: AlertCard) -> Message:
    """Who took it, and what that does not mean."""
    at = words.moment(state.owned_at or state.now, state.now)
    return message(
        section(
            f"{person(state.owner or '')} took #{state.number} at {at}: {outside(words.title(state), 150)}. "
            "Nobody else is called while it is theirs.",
            "*It is not over*, and nothing in the fleet was changed by that.",
        )
    )


def continued(state: AlertCard) -> Message:
    """In place of an older card, once the alert has a newer one."""
    return message(
        header(f"☑️ Goes on in a newer message: {words.title(state)}"),
        section(
            f"#{state.number} has a newer message further down in this channel. *This one is not kept up to date any "
            "more*, and its buttons are gone."
        ),
    )


# -- answers to whoever pressed ----------------------------------------------------------------------------------


def answer_acknowledged(state: AlertCard) -> Message:
    """For the person who pressed Acknowledge, or Still mine."""
    critical = " You are asked again if it goes on for long." if state.severity is Severity.CRITICAL else ""
    return message(
        section(
            f"*#{state.number} is yours*: {outside(words.title(state), 150)}. Nobody else is called meanwhile."
            f"{critical}",
            "*Nothing in the fleet was changed*: to stop a bot type /stop and its name, to stop them all /kill.",
        )
    )


def answer_over(state: AlertCard) -> Message:
    """For the person whose press came too late."""
    at = words.moment(state.ended_at or state.last_at, state.now)
    over = f"closed at {at}, for nobody reported it again" if state.unheard else f"resolved at {at}"
    return message(
        section(f"That alert was {over}: nothing to acknowledge. For what goes on now type /alerts.")
    )


def answer_owned(state: AlertCard) -> Message:
    """For the person who was second."""
    at = f" at {words.moment(state.owned_at, state.now)}" if state.owned_at is not None else ""
    return message(
        section(
            f"{person(state.owner or '')} took it{at}, so it stays theirs and nothing was changed. "
            "Talk to them if you can help; to stop the fleet type /kill."
        )
    )


# -- parts -------------------------------------------------------------------------------------------------------


def _headline(state: AlertCard) -> str:
    return outside(words.headline(state), 200)


def _how_it_ended(state: AlertCard) -> tuple[str, ...]:
    it = outside(state.bot or "", NAME_SHOWN) or "the fleet"
    source = words.says(state.source)
    if state.unheard:
        why = words.unheard(state)
    elif state.source is Source.SUMMARY:
        why = f"None of the {state.count} fires any more."
    else:
        why = f"{source[0].upper()}{source[1:]} no longer says so."
    return (
        f"It was {words.severity(state.severity)}. {why}",
        *words.owner(state),
        f"That it is over does not say what {it} does now: look at /status." if not state.unheard else "",
    )


def _called(call: CallOut) -> str:
    """Everybody who is notified, each once, and why."""
    mentioned = [person(call.on_call)] if call.on_call else []
    mentioned += [person(each.slack) for each in call.contacts if each.slack]
    mentioned += ["<!here>"] if call.here else []
    who = " ".join(dict.fromkeys(mentioned))
    nobody = "" if call.on_call else "*Nobody is on call*: take it if you can."
    return f"{who} {nobody}".strip()


def _next_call(state: AlertCard, call: CallOut) -> str:
    at = f"at {words.moment(state.next_call_at, state.now)}, " if state.next_call_at is not None else ""
    return f"If nobody does, the next call comes {at}in {lasting(timedelta(minutes=call.next_in_minutes))}."
