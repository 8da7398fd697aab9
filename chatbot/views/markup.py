"""Slack's text markup in one place: outside strings made harmless, times, people, and lengths.

Markup made here may hold `<!date...>`, `<@U...>` and `<#C...>`; whatever comes from outside has its & < >
escaped and can therefore never form one of them.
"""

import re
from datetime import UTC, datetime, timedelta

from commands.words import cut, visible

REASON_SHOWN = 500
ERROR_SHOWN = 300
NAME_SHOWN = 60

_PERSON = re.compile(r"[UW][A-Z0-9]{1,20}")
_PERSON_IN_TEXT = re.compile(r"(?<![\w@#-])[UW](?=[A-Z]*[0-9])[A-Z0-9]{6,20}(?![\w…-])")
_CHANNEL = re.compile(r"[CGD][A-Z0-9]{1,20}")
_DATE = re.compile(r"<!date\^[^|>]*\|([^>]*)>")
_MENTION = re.compile(r"<([@#][A-Z0-9]+)>")
_EDGE_LINE = re.compile(r"(?<!\w)_+|_+(?!\w)", re.ASCII)  # inside a word, as in a name, it formats nothing
_ALIKE = str.maketrans({"*": "∗", "~": "∼", "`": "'"})
_EDGE_ALIKE = "ˍ"
_TYPED = str.maketrans({"∗": "*", "∼": "~", _EDGE_ALIKE: "_"})
_BOLD = re.compile(r"\*([^*\n]+)\*")


def escape(text: str) -> str:
    """The text with & < > as entities, so that Slack shows it and obeys nothing in it."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def line(text: str, limit: int) -> str:
    """One unescaped line of an outside text for plain_text, without control and direction characters."""
    return cut(" ".join(visible(text[: 4 * limit]).split()), limit)


def outside(text: str, limit: int = REASON_SHOWN) -> str:
    """One escaped line of an outside text; the marks that would format it become others that look like them."""
    shown = _EDGE_LINE.sub(lambda found: _EDGE_ALIKE * len(found[0]), line(text, limit))
    return escape(shown.translate(_ALIKE))


def stamp(at: datetime) -> str:
    """A time in words for where Slack's date tokens do not work: "2026-11-24 03:12:05 UTC"."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def when(at: datetime, *, day: bool = False) -> str:
    """A time that Slack shows in the reader's own time zone; with ``day`` also the date."""
    shape = "{date_short_pretty} {time_secs}" if day else "{time_secs}"
    fallback = stamp(at) if day else f"{at.astimezone(UTC):%H:%M:%S} UTC"
    return f"<!date^{int(at.timestamp())}^{shape}|{fallback}>"


def lasting(span: timedelta) -> str:
    """A length of time as people say it: "0.8 s", "45 s", "12 min", "3 h 5 min", "2 d 4 h"."""
    seconds = max(span.total_seconds(), 0.0)
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 120:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    if minutes < 120:
        return f"{minutes} min"
    hours = minutes // 60
    return f"{hours} h {minutes % 60} min" if hours < 48 else f"{hours // 24} d {hours % 24} h"


def with_people(escaped: str) -> str:
    """Slack ids in a sentence as mentions: for an answer that one person alone sees, where nobody is called by it."""
    return _PERSON_IN_TEXT.sub(lambda found: f"<@{found[0]}>", escaped)


def person(who: str) -> str:
    """Whoever asked: a Slack id as a mention, "terminal:root" as "root at the terminal", else the name."""
    if _PERSON.fullmatch(who):
        return f"<@{who}>"
    if who.startswith("terminal:"):
        return f"{outside(who.removeprefix('terminal:'), NAME_SHOWN) or 'somebody'} at the terminal"
    if who == "chatbot":
        return "this bot itself"
    if who == "elsewhere":
        return "somebody elsewhere"
    return outside(who, NAME_SHOWN) or "somebody"


def channel(where: str) -> str:
    """A link to the channel, or words where its id is not known."""
    return f"<#{where}>" if _CHANNEL.fullmatch(where) else "the ops channel"


def in_words(markup: str) -> str:
    """Markup with its date tokens replaced by their fallbacks, for notifications and screen readers."""
    return _DATE.sub(r"\1", markup)


def for_terminal(markup: str) -> str:
    """Markup as plain text: no tokens, no bold, no entities, and the marks of outside texts as they were typed."""
    bare = _BOLD.sub(r"\1", _MENTION.sub(r"\1", in_words(markup)))
    bare = bare.translate(_TYPED)
    return bare.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def shortened(markup: str, limit: int) -> str:
    """Markup in at most ``limit`` characters, never cut inside a token or an entity."""
    if len(markup) <= limit:
        return markup
    kept = markup[: limit - 1]
    for opening, closing in (("<", ">"), ("&", ";")):
        start = kept.rfind(opening)
        if start > kept.rfind(closing):
            kept = kept[:start]
    return kept.rstrip() + "…"
