"""The daily digest: what happened in 24 hours, what is open, and the head of the audit as a witness."""

from chatbot.views import alert_words as words
from chatbot.views.alert_state import Digest, Gap
from chatbot.views.blocks import Block, Message, context, header, message, section
from chatbot.views.markup import lasting, outside, person, shortened, when

LINES_SHOWN = 6
LINE_SHOWN = 400  # characters of markup, so that a heading and its lines fit into one section


def digest(d: Digest) -> Message:
    """The digest; what there was none of is said as well, for silence would say nothing."""
    return message(
        header("🗞️ The last 24 hours"),
        section(*_open(d), _alerts(d)),
        _listed(
            "Kills",
            [
                f"{when(at, day=True)} by {person(who)}: {outside(why, 200) or 'no reason given'}"
                for at, who, why in d.kills
            ],
            "*Kills*: none",
        ),
        _listed(
            "Asked of a second admin",
            [
                f"{outside(title, 150)}: {outside(verdict, 100)}{f' by {person(who)}' if who else ''}"
                for title, verdict, who in d.approvals
            ],
            "*Asked of a second admin*: nothing",
        ),
        _listed("Bots whose trouble is over", [outside(each, 200) for each in d.recoveries], ""),
        _listed(
            "⚠️ The fleet was unwatched",
            [_gap(each, d) for each in d.gaps],
            "*Watched*: all the time, as far as is known",
        ),
        _listed(
            "Silences that stand",
            [
                f"#{each.number} {words.about(each)}, by {person(each.owner)} "
                f"{words.silence_end(each, None, d.now)}: {outside(each.reason, 150) or 'no reason given'}"
                for each in d.silences
            ],
            "*Silences*: none stands",
        ),
        section(_on_call(d), _messages(d)),
        section(
            f"*Audit*: #{d.audit_seq} {outside(d.audit_hash[:12], 12)}. Keep this message: it is a witness outside the "
            "database. To hold the record against it, run `chatbot audit verify --expect` with the line below."
        ),
        context(
            f"{d.audit_seq}:{outside(d.audit_hash, 64)}", f"Time zone of the digest: {outside(d.zone, 60)}"
        ),
    )


def _open(d: Digest) -> tuple[str, ...]:
    if not d.open_count:
        return ("*Open alerts*: none",)
    lines = [shortened(words.member(each, d.now), LINE_SHOWN) for each in d.open_alerts[:LINES_SHOWN]]
    more = d.open_count - len(lines)
    return (
        f"*Open alerts*: {d.open_count}",
        *lines,
        f"... and {more} more, see /alerts" if more > 0 else "",
    )


def _alerts(d: Digest) -> str:
    held = f"; {d.held} occurrences had no message of their own" if d.held else ""
    return f"*Alerts*: {d.began} began, {d.ended} ended{held}"


def _gap(gap: Gap, d: Digest) -> str:
    why = outside(gap.why, 150) or "nobody knows why"
    begins, ends = words.moment(gap.begins, d.now), words.moment(gap.ends, d.now)
    return f"from {begins} to {ends} ({lasting(gap.ends - gap.begins)}): {why}"


def _on_call(d: Digest) -> str:
    if d.on_call is None:
        return "*On call*: *nobody*, so a critical alert calls the contacts and everybody. Take it with /oncall me."
    return f"*On call*: {person(d.on_call)}"


def _messages(d: Digest) -> str:
    if not d.undelivered and not d.waiting:
        return "*Messages*: all were delivered"
    return f"*Messages*: {d.undelivered} refused by Slack, {d.waiting} still wait"


def _listed(heading: str, lines: list[str], none: str) -> Block | None:
    """A heading over its lines, or what is said when there are none."""
    if not lines:
        return section(none)
    more = len(lines) - LINES_SHOWN
    return section(
        f"*{heading}*: {len(lines)}",
        *(shortened(each, LINE_SHOWN) for each in lines[:LINES_SHOWN]),
        f"... and {more} more" if more > 0 else "",
    )
