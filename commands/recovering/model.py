"""What a recovery log says, as data; the rows themselves live in storage, which may not import this."""

from collections.abc import Mapping

from storage.recovery_rows import CHECKLIST, Check, Draft, Moment, Times

__all__ = ["CHECKLIST", "OUTCOMES", "SCENARIOS", "UNKNOWN", "Check", "Draft", "Moment", "Times"]

UNKNOWN = "unknown"

SCENARIOS: Mapping[str, str] = {
    "crash-loop": "Bot crashes repeatedly",
    "api-connection": "Connection to an exchange lost",
    "configuration": "Wrong configuration",
    "kill-switch": "Kill switch will not deactivate",
    "data-loss": "Data lost or damaged",
    "security-breach": "Security breach",
    "resources": "Memory, disk or processor ran out",
    "other": "Something else",
    UNKNOWN: "Unknown",
}
"""The handbook's scenarios and their words."""

OUTCOMES: Mapping[str, str] = {
    "success": "Recovered",
    "partly": "Partly recovered",
    "failure": "Not recovered",
    UNKNOWN: "Unknown",
}
"""How a recovery ended; an empty text beside these means that nobody said so yet."""
