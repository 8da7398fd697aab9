"""Silences: which alerts they keep quiet, and until when."""

from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase

from commands.alerting.model import Severity
from commands.alerting.policy import CRITICAL_SILENCE

EVERYTHING = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """Somebody wants not to hear of some alerts for a while; ``alert`` limits it to one alert by its number."""

    number: int
    pattern: str
    owner: str
    reason: str
    begun_at: datetime
    ends_at: datetime
    alert: int | None = None

    def matches(
        self,
        *,
        number: int,
        kind: str,
        bot: str | None,
        message: str,
        severity: Severity,
        summary: int | None = None,
    ) -> bool:
        """True when it is about this alert, or about the message of several (``summary``) that tells it.

        "#12" is the alert or the message of several of that number, "*" everything that is not critical. Any other
        pattern is held against the bot, the kind and the message without regard to case; one without * and ? may also
        stand anywhere in the message.
        """
        if self.alert is not None:
            return self.alert in (number, summary)
        wanted = self.pattern.lower()
        if wanted.startswith("#"):
            return wanted in {f"#{each}" for each in (number, summary) if each is not None}
        if wanted == EVERYTHING:
            return severity is not Severity.CRITICAL
        texts = ((bot or "").lower(), kind.lower(), message.lower())
        if any(fnmatchcase(text, wanted.replace("[", "[[]")) for text in texts):
            return True
        return not set(wanted) & {"*", "?"} and wanted in texts[2]

    def ends_for(self, severity: Severity) -> datetime:
        """When it ends for an alert of this severity: a critical one is never quiet for more than an hour."""
        if severity is Severity.CRITICAL:
            return min(self.ends_at, self.begun_at + CRITICAL_SILENCE)
        return self.ends_at
