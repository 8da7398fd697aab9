"""The JSON body of a call, read strictly: what is wrong is refused as INVALID_PARAMETER."""

import json
from collections.abc import Mapping

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

    def flag(self, name: str) -> bool:
        """An optional yes or no."""
        value = self.fields.get(name)
        if value is not None and not isinstance(value, bool):
            raise RefusedError("INVALID_PARAMETER", f"{name} must be true or false")
        return value is True
