"""Reading single JSON values that may be anything: what is not clearly right is ``None`` (unknown)."""

import math
from collections.abc import Iterable
from datetime import UTC, datetime

Json = dict[str, object]
"""A decoded JSON object whose values nobody has checked yet."""

LONGEST_TEXT = 500
_LARGEST_WHOLE = 2**53  # beyond it JSON numbers are not exact, and no count is real
_MILLISECONDS_FROM = 1e11  # as seconds that is the year 5138, as milliseconds 1973
_EARLIEST_YEAR = 2000  # a zero time is a field that nobody filled in


def as_object(value: object) -> Json:
    """The value when it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def flag(value: object) -> bool | None:
    """True or false only when the value is exactly that."""
    return value if isinstance(value, bool) else None


def agreed(values: Iterable[object]) -> bool | None:
    """What all the yes-or-no values among these say; unknown when there is none or they contradict each other."""
    said = {value for value in values if isinstance(value, bool)}
    return said.pop() if len(said) == 1 else None


def number(value: object) -> float | None:
    """A finite number; a bool is none."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    if isinstance(value, int) and abs(value) > _LARGEST_WHOLE:
        return None
    return float(value) if math.isfinite(value) else None


def amount(value: object) -> float | None:
    """A finite number that is not negative."""
    found = number(value)
    return found if found is not None and found >= 0 else None


def percentage(value: object) -> float | None:
    """A number from 0 to 100."""
    found = number(value)
    return found if found is not None and 0 <= found <= 100 else None


def count(value: object) -> int | None:
    """A whole number from 0 up; 3.0 is one, since JSON does not tell them apart."""
    found = number(value)
    if found is None or found < 0 or found > _LARGEST_WHOLE or not found.is_integer():
        return None
    return int(found)


def text(value: object, limit: int = LONGEST_TEXT) -> str | None:
    """A string of at most ``limit`` characters, with a space for each that cannot be shown; unknown when blank.

    What cannot be shown includes control characters, half surrogates (which no database takes) and marks that turn
    the direction of writing (with which a log line can be made to read as another one).
    """
    if not isinstance(value, str):
        return None
    trimmed = value.strip()
    if len(trimmed) > limit:
        trimmed = trimmed[: limit - 1] + "…"
    if not trimmed.isprintable():
        trimmed = "".join(each if each.isprintable() else " " for each in trimmed)
    return trimmed if not trimmed.isspace() and trimmed else None


def moment(value: object) -> datetime | None:
    """A point in time, in UTC: text with Z or an offset, or seconds or milliseconds since 1970.

    Text without a zone is local to a machine whose zone we do not know, so it is unknown.
    """
    try:
        if isinstance(value, str):
            found = datetime.fromisoformat(value.strip())
            if found.tzinfo is None:
                return None
            found = found.astimezone(UTC)
        else:
            since = amount(value)
            if since is None:
                return None
            found = datetime.fromtimestamp(since / 1000 if since >= _MILLISECONDS_FROM else since, UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return found if found.year >= _EARLIEST_YEAR else None
