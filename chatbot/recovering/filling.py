"""From what a form brings to a draft, checked again field by field: a form can be forged, huge or half empty."""

from collections.abc import Mapping
from datetime import UTC, datetime

from chatbot.views.recovery_forms import FIELD, LABELS, NOT_YET
from commands.recovering.model import OUTCOMES, SCENARIOS
from commands.words import visible
from storage.recovery_rows import Draft

_SHAPES = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%d")


def draft_of(
    fields: Mapping[str, str], bot: str | None, now: datetime
) -> tuple[Draft | None, dict[str, str]]:
    """The draft, or the mistakes: block id -> one sentence."""
    wrong: dict[str, str] = {}
    texts = {name: words_of(fields.get(name, "")) for name in LABELS}
    wrong |= {
        name: f"At most {FIELD} characters; this has {len(text)}."
        for name, text in texts.items()
        if len(text) > FIELD
    }
    if not texts["issue"]:
        wrong["issue"] = "Write in a few words what was seen."
    began = moment_of(fields.get("began", ""))
    if began is None:
        wrong["began"] = "Write it as 2026-11-25 03:12, in UTC."
    elif began > now:
        wrong["began"] = "That is not over yet: write when it began, in UTC."
    scenario, outcome = fields.get("scenario", ""), fields.get("outcome", "")
    if scenario not in SCENARIOS:
        wrong["scenario"] = "Choose one of the list."
    if outcome != NOT_YET and outcome not in OUTCOMES:
        wrong["outcome"] = "Choose one of the list."
    if wrong or began is None:
        return None, wrong
    return Draft(
        bot=bot,
        scenario=scenario,
        began_at=began,
        issue=texts["issue"],
        root_cause=texts["cause"],
        actions_taken=texts["taken"],
        outcome="" if outcome == NOT_YET else outcome,
        lessons=texts["lessons"],
    ), {}


def moment_of(text: str) -> datetime | None:
    """The time that was typed, in UTC; ``None`` when it is none."""
    typed = visible(text).strip().removesuffix("Z").removesuffix("UTC").strip()
    for shape in _SHAPES:
        try:
            return datetime.strptime(typed, shape).replace(tzinfo=UTC)
        except ValueError:
            continue
    return None


def day_of(text: str) -> datetime | None:
    """The end of working hours, in UTC, of a chosen day; ``None`` when none was chosen."""
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(hour=17, tzinfo=UTC)
    except ValueError:
        return None


def words_of(text: str) -> str:
    """What somebody wrote, without what cannot be seen; its lines stay."""
    return visible(text.replace("\r\n", "\n")).strip()
