"""Text as people type it: cleaned for the record, cut into words, compared with the names we know.

Nothing here raises for any text, since a stop is never refused for how its reason is written.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence

from commands.spec import UserError

REASON_LIMIT = 500
"""Characters kept of a reason; the rest is cut with an ellipsis."""

WORD_LIMIT = 40
"""Characters looked at, and repeated to a person, of a word that should be a name."""

_READ_LIMIT = (
    8 * REASON_LIMIT
)  # more than this many raw characters is never a reason; keeps a 10k paste cheap
_JOINERS = "\u200c\u200d"  # wanted inside words of some scripts and inside emoji
_DECORATION = "\"'`*_~“”‘’«»()[]<>.,:;!?/@"
_ENTITY = re.compile("&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_REFERENCE = re.compile(r"<([@#!]?)([^<>|]*)(?:\|([^<>]*))?>")
MENTION = re.compile(r"<@([UW][A-Z0-9]{1,20})(?:\|[^<>]*)?>[\s,:]*(.*)", re.DOTALL)
"""A person as Slack writes one that was picked behind @, and what follows."""

_WHOLE_FLEET = frozenset({"all", "everything", "everybody", "fleet", "bots"})


def clean(text: str, *, limit: int = REASON_LIMIT) -> str:
    """One line of at most ``limit`` characters: no control or direction characters, white space folded.

    Chat text arrives with & < > written as entities and with references such as <@U1|name>; both become what
    a person sees, the entities exactly once.
    """
    seen = _ENTITY.sub(_entity, _REFERENCE.sub(_reference, text.strip()[:_READ_LIMIT]))
    return cut(" ".join(visible(seen).split()), limit)


def visible(text: str) -> str:
    """The text without control, direction, invisible and unpaired surrogate characters; white space stays."""
    if text.isprintable():
        return text  # nearly always; spares a look at each character
    return "".join(
        char
        for char in text
        if char.isspace() or char in _JOINERS or unicodedata.category(char) not in {"Cc", "Cf", "Cs"}
    )


def bare(word: str) -> str:
    """A name without what people type around it: slash, quotes, stars, exclamation marks; in lower case."""
    return visible(word[:_READ_LIMIT]).strip().strip(_DECORATION).lower()


def closest(word: str, known: Iterable[str]) -> str | None:
    """The known name that was probably meant, ``None`` when nothing is near."""
    by_lower = {name.lower(): name for name in known}
    near = difflib.get_close_matches(bare(word)[:WORD_LIMIT], by_lower, n=1, cutoff=0.6)
    return by_lower[near[0]] if near else None


def named(word: str, names: Sequence[str]) -> str | None:
    """The name this word is, whatever its case and decoration, ``None`` when it is none of them."""
    wanted = bare(word)
    return next((name for name in names if name.lower() == wanted), None)


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names as in a sentence: "ndax, quantum and shadowforge"; "none" when there are none."""
    if not names:
        return "none"
    return f" {last} ".join(filter(None, (", ".join(names[:-1]), names[-1])))


def bot_and_reason(
    text: str, bots: Sequence[str], *, verb: str, done: str, all_with: str = "/kill"
) -> tuple[str, str]:
    """The bot and the reason of "<bot> [reason]"; raises UserError when it is not clear which bot is meant.

    For the sentences: ``verb`` is the command, ``done`` its past participle, ``all_with`` what is for all bots.
    """
    first, _, reason = clean(text, limit=REASON_LIMIT + WORD_LIMIT).partition(" ")
    nothing = f"Nothing was {done}."
    if not first:
        example = bots[0] if bots else "<bot>"
        raise UserError(
            f"Say which bot, as in /{verb} {example}: the bots are {listed(bots)}. "
            f"To {_of_all(all_with)} all of them, type {all_with}. {nothing}"
        )
    bot = named(first, bots)
    if bot is None and (first == "*" or bare(first) in _WHOLE_FLEET):
        raise UserError(
            f"/{verb} is for one bot: to {_of_all(all_with)} the whole fleet, type {all_with}. {nothing}"
        )
    if bot is None:
        raise UserError(f"{no_such_bot(first, bots)} {nothing}")
    also = _only_bots(reason, bots)
    if also:
        # Taking the other names as a reason would leave a person believing that those bots stopped, too.
        raise UserError(
            f"/{verb} is for one bot at a time: type /{verb} {bot}, then /{verb} {also[0]}, or {all_with} to "
            f"{_of_all(all_with)} the whole fleet. {nothing}"
        )
    return bot, cut(reason, REASON_LIMIT)


def _of_all(all_with: str) -> str:
    return "stop" if all_with == "/kill" else "start"


def cut(line: str, limit: int) -> str:
    """The line in at most ``limit`` characters, with an ellipsis where something is missing."""
    return line if len(line) <= limit else line[: limit - 1].rstrip() + "…"


def no_such_bot(word: str, bots: Sequence[str]) -> str:
    """The sentence for a name that is no bot's: with the one probably meant, else with all of them."""
    shown = cut(word, WORD_LIMIT)
    near = closest(word, bots)
    if near is not None:
        return f"There is no bot '{shown}': did you mean {near}?"
    return f"There is no bot '{shown}': the bots are {listed(bots)}."


def person_in(word: str) -> str | None:
    """The user id of a mention that stands alone, ``None`` for anything else."""
    mention = MENTION.fullmatch(visible(word).strip())
    return mention[1] if mention is not None and not mention[2].strip() else None


def _only_bots(text: str, bots: Sequence[str]) -> tuple[str, ...]:
    """The bots a text names when it is nothing but names of bots, else none."""
    words = [word for word in re.split(r"[\s,;+&]+", text) if word and word.lower() != "and"]
    found = [bot for word in words if (bot := named(word, bots)) is not None]
    return tuple(found) if len(found) == len(words) else ()


def _entity(match: re.Match[str]) -> str:
    return _ENTITIES[match[1]]


def _reference(match: re.Match[str]) -> str:
    """<@U1|name> as @name, <#C1|ops> as #ops, <!here> as @here, <https://x|label> as its address."""
    kind, target, label = match[1], match[2], match[3]
    if kind == "":
        return target
    return ("#" if kind == "#" else "@") + (label or target).lstrip("@#")
