"""The one card of a kill: what was asked, what was seen and when, and what to do until it is confirmed."""

from chatbot.views import kill_words as words
from chatbot.views.blocks import Block, Message, actions, button, context, header, message, section
from chatbot.views.kill_state import KillCard, Phase
from chatbot.views.markup import ERROR_SHOWN, lasting, outside, person
from chatbot.views.procedure import contact_lines, manual_procedure


def card(card: KillCard) -> Message:
    """The message in the ops channel, drawn anew whenever something changed."""
    urgent = card.phase is Phase.NOT_CONFIRMED
    return message(
        header(headline(card)),
        section(*_body(card)),
        *(manual_procedure(card.coordinator_url) if urgent else ()),
        section("*Call now*", *contact_lines(card.contacts)) if urgent and card.shows_contacts else None,
        section(words.reason(card), *words.joined(card)),
        None if card.recorded else section(words.NOT_RECORDED),
        actions(*_buttons(card)),
        context(" · ".join(words.small_print(card))),
    )


def headline(card: KillCard) -> str:
    """The headline without markup: the phase in words, with its sign beside."""
    if card.released_at is not None:
        return "☑️ KILL released: the fleet may trade again"
    match card.phase:
        case Phase.SENDING:
            return "🛑 KILL accepted: stopping the whole fleet"
        case Phase.SENT:
            return "🛑 KILL sent: not yet seen stopped"
        case Phase.VERIFIED:
            return "✅ KILL verified: the fleet is stopped"
        case Phase.NOT_CONFIRMED:
            return f"🚨 KILL NOT CONFIRMED after {seconds(card)}"
        case Phase.CLOSED:
            return "☑️ KILL closed by hand"


def seconds(card: KillCard) -> str:
    """The warning time that passed, else the time since the kill was accepted."""
    return f"{card.warn_after:g} s" if card.warn_after is not None else lasting(card.now - card.accepted_at)


def line(card: KillCard) -> str:
    """Where it stands in one markup line; it changes only when something happened, not with the seconds."""
    error = f" ({outside(card.last_error, ERROR_SHOWN).rstrip('.')})" if card.last_error else ""
    seen = words.doubts_in_short(card.doubts) if card.seen_at is not None else "nothing could be read yet"
    match card.phase:
        case Phase.SENDING:
            return f"Sending the kill, no answer yet{error}."
        case Phase.SENT:
            return f"The coordinator answered, but the fleet is not seen stopped yet: {seen}{error}."
        case Phase.VERIFIED:
            return words.verified(card)
        case Phase.NOT_CONFIRMED:
            return (
                f"NOT CONFIRMED after {seconds(card)}: {seen}{error}. Sending goes on; also stop it by hand."
            )
        case Phase.CLOSED:
            return f"Closed by hand by {person(card.closed_by or '')}: {outside(card.close_reason or '')}"


def _body(card: KillCard) -> tuple[str, ...]:
    match card.phase:
        case Phase.SENDING:
            return (
                "*Not confirmed yet*: the stop of every bot is on its way and was not answered so far.",
                *(words.doubt_lines(card) if card.seen_at is not None else ()),
                words.sending(card) if card.attempts else "",
            )
        case Phase.SENT:
            return (
                "*Not confirmed yet*: the coordinator answered, which proves nothing; it is being read back.",
                *words.doubt_lines(card),
                words.came_back(card),
            )
        case Phase.VERIFIED:
            end = words.released(card) or words.watching(card)
            return (words.verified(card), words.came_back(card), end)
        case Phase.NOT_CONFIRMED:
            return (*words.doubt_lines(card), words.came_back(card), words.sending(card))
        case Phase.CLOSED:
            return (
                (
                    f"{person(card.closed_by or '')} closed this and says how it was stopped: "
                    f"{outside(card.close_reason or '') or 'no words given'}"
                ),
                words.released(card)
                or "Nothing more is sent for this kill. Our record keeps the fleet as killed.",
                *(
                    words.doubt_lines(card)
                    if card.doubts or card.seen_at is None
                    else (words.verified(card),)
                ),
            )


def _stands_still(card: KillCard) -> bool:
    return card.released_at is None and card.phase in {Phase.VERIFIED, Phase.CLOSED}


def _buttons(card: KillCard) -> tuple[Block | None, ...]:
    unsaid = not card.reason.strip() and card.phase is not Phase.CLOSED
    return (
        button("Close", "kill.close", value=card.id) if card.phase is Phase.NOT_CONFIRMED else None,
        button("Say why", "kill.reason", value=card.id) if unsaid else None,
        button("Recover", "walk.open", value="fleet:") if _stands_still(card) else None,
    )
