"""The JSON body of a call, read strictly: what is wrong is refused as INVALID_PARAMETER."""

import json
from collections.abc import Mapping
from typing import TypeGuard

from chatbot.sandbox.fleet.engine import RefusedError


class Arguments:
    """Typed access to the fields of one body; its content type is ignored, as curl -d names another."""

    def __init__(self, body: bytes) -> None:
        try:
            fields: object = json.loads(body) if body.strip() else {}
        except (ValueError, RecursionError) as error:
            raise RefusedError("INVALID_PARAMETER", "The body is not JSON") from error
        if not isinstance(fields, Mapping):
            raise RefusedError("INVALID_PARAMETER", "The body is not an object")
        self.fields: Mapping[str, object] = fields

    @property
    def bot(self) -> object:
        """Whatever was given as the bot; the engine checks it."""
        return self.fields.get("bot")

    def text(self, name: str) -> str | None:
        """An optional text."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, str):
            raise RefusedError("INVALID_PARAMETER", f"{name} must be a text")
        return value

    def needed(self, name: str) -> str:
        """A text that must be there and not blank."""
        value = self.text(name)
        if value is None or not value.strip():
            raise RefusedError("INVALID_PARAMETER", f"{name} is required")
        return value

    def number(self, name: str) -> float | None:
        """An optional number within reason."""
        value = self.fields.get(name)
        if value is None or _is_number(value):
            return value
        raise RefusedError("INVALID_PARAMETER", f"{name} must be a number")

    def count(self, name: str, *, most: int) -> int:
        """A whole number from 1 to ``most``; 1 when it is not given."""
        value = self.fields.get(name, 1)
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= most:
            return value
        raise RefusedError("INVALID_PARAMETER", f"{name} must be a number from 1 to {most}")

    def flag(self, name: str) -> bool:
        """An optional yes or no."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise RefusedError("INVALID_PARAMETER", f"{name} must be true or false")
        return value is True


def _is_number(value: object) -> TypeGuard[float]:
    # bounds, because JSON as Python reads it has NaN, infinities and whole numbers too large for a float
    return isinstance(value, int | float) and not isinstance(value, bool) and -1e15 <= value <= 1e15
