"""Small checks to build a rule table from: each takes a value and its JSON pointer, lists what is wrong."""

from collections.abc import Callable, Mapping
from typing import Any

Check = Callable[[Any, str], list[str]]


def wrong(what: str, at: str) -> list[str]:
    """One complaint in Slack's form."""
    return [f"{what} [json-pointer:{at}]"]


def string(limit: int, least: int = 1) -> Check:
    """A string of ``least`` to ``limit`` characters."""

    def check(value: Any, at: str) -> list[str]:
        if not isinstance(value, str):
            return wrong("must provide a string", at)
        if len(value) > limit:
            return wrong(f"must be less than {limit + 1} characters", at)
        if len(value) < least:
            return wrong(f"must be more than {least - 1} characters", at)
        return []

    return check


def choice(*words: str) -> Check:
    """One of these words."""

    def check(value: Any, at: str) -> list[str]:
        return [] if value in words else wrong("must be a valid enum value", at)

    return check


def number(least: int, most: int) -> Check:
    """A whole number within bounds."""

    def check(value: Any, at: str) -> list[str]:
        if isinstance(value, bool) or not isinstance(value, int):
            return wrong("must provide an integer", at)
        return [] if least <= value <= most else wrong(f"must be between {least} and {most}", at)

    return check


def flag(value: Any, at: str) -> list[str]:
    """True or false."""
    return [] if isinstance(value, bool) else wrong("must provide a boolean", at)


def scalar(value: Any, at: str) -> list[str]:
    """A number, or the string of one."""
    fine = isinstance(value, int | float | str) and not isinstance(value, bool)
    return [] if fine else wrong("must provide a number", at)


def anything(value: Any, at: str) -> list[str]:
    """An object that the table does not look into."""
    return [] if isinstance(value, dict) else wrong("must provide an object", at)


def url(value: Any, at: str) -> list[str]:
    """An http, https or mailto link of at most 3000 characters."""
    complaints = string(3000)(value, at)
    if not complaints and not value.startswith(("http://", "https://", "mailto:", "slack://", "tel:")):
        return wrong("must be a valid URL", at)
    return complaints


def items(check: Check, most: int, least: int = 1) -> Check:
    """A list of ``least`` to ``most`` things."""

    def check_all(value: Any, at: str) -> list[str]:
        if not isinstance(value, list | tuple):
            return wrong("must provide an array", at)
        complaints = []
        if len(value) > most:
            complaints += wrong(f"no more than {most} items allowed", at)
        if len(value) < least:
            complaints += wrong(f"no less than {least} items allowed" if least > 1 else "must have items", at)
        for index, item in enumerate(value):
            complaints += check(item, f"{at}/{index}")
        return complaints

    return check_all


def record(fields: Mapping[str, Check], *required: str) -> Check:
    """An object with these fields and no others; a null field counts as absent."""

    def check(value: Any, at: str) -> list[str]:
        if not isinstance(value, dict):
            return wrong("must provide an object", at)
        complaints = []
        for name in required:
            if value.get(name) is None:
                complaints += wrong(f"missing required field: {name}", at)
        for name, item in value.items():
            if name not in fields:
                complaints += wrong(f"invalid additional property: {name}", at)
            elif item is not None:
                complaints += fields[name](item, f"{at}/{name}")
        return complaints

    return check


def kinds(table: Mapping[str, Check], *allowed: str) -> Check:
    """An object whose ``type`` names its row in the table, limited to ``allowed`` where given."""

    def check(value: Any, at: str) -> list[str]:
        if not isinstance(value, dict):
            return wrong("must provide an object", at)
        kind = value.get("type")
        if not isinstance(kind, str):
            return wrong("missing required field: type", at)
        if kind not in table or (allowed and kind not in allowed):
            return wrong(f"unsupported type: {kind}", f"{at}/type")
        return table[kind](value, at)

    return check
