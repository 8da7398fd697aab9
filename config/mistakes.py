"""What is wrong with the settings, in sentences that name the variable and never repeat a value."""

from collections.abc import Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

    from config.sources import Names

_WHOLE = "must be a whole number"
_NUMBER = "must be a number"
_FLAG = "must be true or false"
_ANY = "cannot be used as it is; docs/configuration.md says what it takes"
_PREDICATES = {
    "int_parsing": _WHOLE,
    "int_parsing_size": _WHOLE,
    "int_type": _WHOLE,
    "int_from_float": _WHOLE,
    "float_parsing": _NUMBER,
    "float_type": _NUMBER,
    "finite_number": _NUMBER,
    "greater_than_equal": "must be at least {ge}",
    "greater_than": "must be more than {gt}",
    "less_than_equal": "must be at most {le}",
    "string_type": "must be text, in quotes",
    "string_too_short": "must not be empty",
    "too_short": "must be at least {min_length} characters long",
    "literal_error": "must be {expected}",
    "tuple_type": 'must be a list; in the environment write JSON such as ["one", "two"]',
    "model_type": "must be a table with role, name, slack, phone or link",
    "bool_parsing": _FLAG,
    "bool_type": _FLAG,
    "dict_type": 'must be a table of commands and numbers; in the environment write JSON such as {{"start": 2}}',
    "missing": "is missing",
    "extra_forbidden": "is not a key of a contact; write role, name, slack, phone or link",
}
"""By pydantic's name of the error; the limits come from its context, never the value."""


class SettingsError(Exception):
    """The settings cannot be used; ``mistakes`` holds one plain sentence for each reason."""

    def __init__(self, mistakes: tuple[str, ...]) -> None:
        super().__init__("\n".join(mistakes))
        self.mistakes = mistakes


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One mistake; ``key`` is the setting (group, key) it is about, shorter for a group, empty for none."""

    key: tuple[str, ...]
    sentence: str


def unknown(name: str, names: "Names") -> Mistake:
    """A variable or a dotted TOML key that is no setting, with the nearest one that is."""
    in_environment = name.upper().startswith("CHATBOT_")
    aimed = names.nearest(name)
    if aimed is None:
        return Mistake(key=(), sentence=f"{name} is not a setting; docs/configuration.md lists them all.")
    meant = names.variable(aimed) if in_environment else f"{'.'.join(aimed)} ({names.variable(aimed)})"
    where = "" if in_environment else " in the TOML file"
    return Mistake(key=aimed, sentence=f"{name}{where} is not a setting; did you mean {meant}?")


def sentence(error: "ErrorDetails", names: "Names") -> Mistake:
    """One error of the validation in words."""
    loc = error["loc"]
    texts = tuple(part for part in loc if isinstance(part, str))
    if error["type"] == "extra_forbidden" and loc[0] != "contacts":
        return unknown(".".join(texts), names)
    key = texts[:1] if loc[0] == "contacts" else texts[:2]
    where = names.shown(key)
    entries = [part for part in loc if isinstance(part, int)]
    if entries:
        of = f"{texts[1]} of " if loc[0] == "contacts" and len(texts) > 1 else ""
        where = f"{of}entry {entries[0] + 1} of {where}"
    return Mistake(key=key, sentence=f"{where[0].upper()}{where[1:]} {_predicate(error, key)}.")


def _predicate(error: "ErrorDetails", key: tuple[str, ...]) -> str:
    kind, ctx = error["type"], error.get("ctx", {})
    if kind == "value_error":
        return str(ctx["error"])
    if kind == "model_type" and key != ("contacts",):
        return f"is a group: write [{key[0]}] and its keys below it"
    if kind == "tuple_type" and key == ("contacts",):
        return 'must be a list such as [{"role": "on call", "phone": "..."}]'
    return _PREDICATES.get(kind, _ANY).format_map(ctx)


def nearest(name: str, known: Mapping[str, tuple[str, ...]]) -> tuple[str, ...] | None:
    """The setting whose name is most like this one, if any is."""
    found = get_close_matches(name, known, n=1, cutoff=0.7)
    return known[found[0]] if found else None
