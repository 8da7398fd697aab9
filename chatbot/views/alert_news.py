"""News beside the alerts themselves: silences, who is on call, a channel that takes nothing, a time unwatched."""

from datetime import datetime

from chatbot.views import alert_words as words
from chatbot.views.alert_digest import digest
from chatbot.views.alert_state import Gap, SilenceShown
from chatbot.views.blocks import Message, header, message, section
from chatbot.views.markup import channel as channel_link
from chatbot.views.markup import lasting, outside, person, when

__all__ = [
    "blind",
    "channel_broken",
    "digest",
    "on_call_changed",
    "sighted",
    "silence_began",
    "silence_ended",
    "silence_ends_soon",
    "unwatched",
]

_REFUSALS = {  # Slack's word -> (what it means, what to do)
    "is_archived": (
        "the channel is archived",
        "Unarchive it in Slack, or set another channel in the settings and restart this bot.",
    ),
    "is_inactive": (
        "the channel is archived, frozen or deleted",
        "Unarchive it in Slack, or set another channel in the settings and restart this bot.",
    ),
    "not_in_channel": (
        "this bot is not a member of the channel",
        "Open the channel, type /invite and choose this bot.",
    ),
    "channel_not_found": (
        "there is no such channel, or it is a private one that this bot was not invited to",
        "Invite this bot with /invite where the channel is there; else correct its id in the settings.",
    ),
    "restricted_action": (
        "a rule of the workspace does not let this bot post there",
        "Ask an owner of the workspace to let this bot post in it, or set another channel in the settings.",
    ),
}


def silence_began(silence: SilenceShown) -> Message:
    """Who made what quiet, until when and why."""
    at = silence.begun_at
    return message(
        section(
            f"🔕 *Silenced* by {person(silence.owner)} {words.silence_end(silence, None, at)}: "
            f"{words.about(silence)}.",
            f"*Why*: {outside(silence.reason) or 'no reason given'}",
            "It is still watched and listed by /alerts; nothing in the fleet was changed. *A critical alert is quiet "
            f"for an hour at most.* To end it early type /silences and press End on #{silence.number}.",
        )
    )


def silence_ends_soon(silence: SilenceShown, now: datetime) -> Message:
    """The person who made it is told that it ends, and what happens then."""
    left = lasting(silence.ends_at - now)
    return message(
        section(
            f"{person(silence.owner)}, your silence #{silence.number} of {words.about(silence)} ends in {left}, at "
            f"{words.moment(silence.ends_at, now)}.",
            f"{_firing(silence.matching)} What still fires then is told to everybody again.".strip(),
            "If you are not done, make a new one with /silence, or with Silence on the alert's card.",
        )
    )


def silence_ended(silence: SilenceShown, still: int) -> Message:
    """That a silence is over, by whom, and how much of it still fires."""
    alerts = "1 alert that it kept quiet" if still == 1 else f"{still} alerts that it kept quiet"
    told = "still fires and is told again now" if still == 1 else "still fire and are told again now"
    return message(
        section(
            f"🔔 *Silence #{silence.number} has ended* ({words.why_ended(silence)}): {words.about(silence)}, "
            f"made by {person(silence.owner)}.",
            f"*{alerts} {told}.*" if still else "Nothing that it kept quiet fires now.",
        )
    )


def on_call_changed(who: str | None, by: str | None, until: datetime | None) -> Message:
    """Who is on call from now on."""
    said = f" {person(by)} said so." if by else ""
    if who is None:
        return message(
            section(
                f"📟 *Nobody is on call any more.*{said} A critical alert that nobody takes calls the contacts and "
                "everybody here. To be on call type /oncall me."
            )
        )
    end = f"until {when(until, day=True)}" if until is not None else "until somebody changes it"
    return message(
        section(
            f"📟 *{person(who)} is on call now*, {end}: a critical alert that nobody takes calls them first.{said}"
        )
    )


def channel_broken(channel: str, word: str, *, moved: int) -> Message:
    """A channel that takes no messages: which, why, where they go meanwhile, and what to do."""
    link = channel_link(channel)
    so_far = f", {moved} so far" if moved else ""
    where = link if link.startswith("<#") else f"“{outside(channel, 60)}”"
    meaning, remedy = _REFUSALS.get(
        "restricted_action" if word.startswith("restricted_action") else word,
        (
            f"Slack's word for it is “{outside(word, 60) or 'none'}”",
            "Look whether the channel is there and this bot is a member of it; its id stands in the settings.",
        ),
    )
    return message(
        header("⚠️ A channel takes no messages of this bot"),
        section(
            f"*Slack refuses what is posted in {where}*: {meaning}.",
            f"*Until that is mended its messages come here*{so_far}. Nothing was dropped, and stops work "
            "all the same.",
            f"*What to do*: {remedy}",
        ),
    )


def unwatched(gap: Gap, now: datetime) -> Message:
    """A time of which nobody can say what the fleet did."""
    begins, ends = words.moment(gap.begins, now), words.moment(gap.ends, now)
    return message(
        section(
            f"⚠️ *The fleet was unwatched from {begins} to {ends}* ({lasting(gap.ends - gap.begins)}): "
            f"{outside(gap.why, 200) or 'nobody knows why'}.",
            "*What happened in that time is not known*, and an alert that began and ended in it was told to nobody. "
            "What to do: look at /status now, and at the exchange for orders of that time.",
        )
    )


def blind(since: datetime, why: str, now: datetime) -> Message:
    """Alerts are neither stored nor told: the database does not answer."""
    return message(
        header("🚨 ALERTS ARE NOT BEING TOLD"),
        section(
            f"*Since {words.moment(since, now)} the database does not answer* "
            f"({outside(why, 200).rstrip('.') or 'no reason given'}), so no alert is stored, told or escalated.",
            "*Stops work all the same*: /kill, /stop and /pause. What to do: look at the fleet yourself with /status, "
            "and see to the database; this is said once, and again when alerts are told.",
        ),
    )


def sighted(since: datetime, now: datetime) -> Message:
    """Alerts are told again."""
    return message(
        section(
            f"✅ *Alerts are told again.* From {words.moment(since, now)} to {words.moment(now, now)} none was: what "
            "is still wrong is told now; what began and ended in between is known only to the sources themselves.",
        )
    )


def _firing(matching: int) -> str:
    if not matching:
        return ""
    return (
        "1 alert is kept quiet by it now."
        if matching == 1
        else f"{matching} alerts are kept quiet by it now."
    )
