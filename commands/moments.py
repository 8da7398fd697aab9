"""Times as people type them: parsed here without a clock, resolved where the clock and the zone are known."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from commands.spec import UserError
from commands.words import bare, clean

LONGEST = timedelta(days=31)
"""The farthest ahead of now that a moment may be."""

_NOTHING = "Nothing was changed."
_SPAN = re.compile(r"(?:([0-9]{1,6})w)?(?:([0-9]{1,6})d)?(?:([0-9]{1,6})h)?(?:([0-9]{1,6})m)?")
_TIME = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")
_DATE = re.compile(r"2[0-9]{3}-[0-9]{2}-[0-9]{2}")  # no zone takes these out of what a datetime can hold
_AHEAD = {"today": 0, "tomorrow": 1}
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """A moment as it was typed, without the clock and the zone that make it one.

    Either ``span`` is set, or ``at`` counts, on the day that at most one of ``day``, ``weekday`` and ``ahead`` names;
    where none does, it is the next such time of day.
    """

    typed: str  # in lower case, without "until"
    span: timedelta | None = None
    day: date | None = None
    weekday: int | None = None  # 0: Monday
    ahead: int | None = None  # days from today
    at: time = time.min  # of the zone; where only a day was typed, the day's beginning

    def resolve(self, now: datetime, zone: ZoneInfo) -> datetime:
        """The moment, in UTC and after ``now``; UserError when it is over already or more than 31 days ahead.

        A time that the clocks of the zone skip is the first that they show after it; one that they show twice is the
        first of the two that is still to come.
        """
        now = now.astimezone(UTC)
        if self.span is not None:
            moments = [now + min(self.span, 2 * LONGEST)]  # far enough to be refused, and no overflow
        else:
            days = self._days(now.astimezone(zone).date())
            moments = [moment for day in days for moment in _moments(day, self.at, zone)]
        moment = next((each for each in moments if each > now), None)
        if moment is None:
            raise UserError(
                f"'{self.typed}' is over already: write a later time, as in 8h, 07:30 or tomorrow 08:00. {_NOTHING}"
            )
        if moment - now > LONGEST:
            raise UserError(
                f"'{self.typed}' is too far ahead: the latest is {LONGEST.days} days from now. {_NOTHING}"
            )
        return moment

    def _days(self, today: date) -> tuple[date, ...]:
        """The days on which it may be, soonest first."""
        if self.day is not None:
            return (self.day,)
        if self.ahead is not None:
            return (today + timedelta(days=self.ahead),)
        week = tuple(today + timedelta(days=ahead) for ahead in range(8))  # today and its like in a week
        return tuple(day for day in week if self.weekday in (None, day.weekday()))


def span(word: str) -> timedelta | None:
    """The length of "15m", "1h30m", "2d" or "1w", ``None`` for any other word; a day is 24 hours."""
    found = _SPAN.fullmatch(bare(word))
    if found is None or not found[0]:
        return None
    weeks, days, hours, minutes = (int(number or 0) for number in found.groups())
    return timedelta(weeks=weeks, days=days, hours=hours, minutes=minutes)


def when(text: str) -> When | None:
    """The moment of "[until] 8h", "07:30", "tomorrow 08:00", "fri 18:00" or "2026-11-28", ``None`` for other text."""
    words = [word for word in map(bare, clean(text).split()) if word]
    if words[:1] == ["until"]:
        words = words[1:]
    if not words:
        return None
    typed = " ".join(words)
    length = span(typed)
    if length is not None:
        return When(typed=typed, span=length)
    at = _time_of_day(words[-1])
    match words if at is None else words[:-1]:
        case []:
            return When(typed=typed, at=at or time.min)
        case [word]:
            return _on_a_day(word, typed=typed, at=at or time.min)
        case _:
            return None


def _on_a_day(word: str, *, typed: str, at: time) -> When | None:
    if word in _AHEAD:
        return When(typed=typed, ahead=_AHEAD[word], at=at)
    for weekday, name in enumerate(_WEEKDAYS):
        if len(word) >= 3 and name.startswith(word):
            return When(typed=typed, weekday=weekday, at=at)
    if not _DATE.fullmatch(word):
        return None
    try:
        return When(typed=typed, day=date.fromisoformat(word), at=at)
    except ValueError:
        return None  # such as the 30th of February


def _time_of_day(word: str) -> time | None:
    found = _TIME.fullmatch(word)
    return None if found is None else time(int(found[1]), int(found[2]))


def _moments(day: date, at: time, zone: ZoneInfo) -> tuple[datetime, ...]:
    """The moments of a local time, soonest first: two where the clocks are set back, else one."""
    local = datetime.combine(day, at, tzinfo=zone)
    while local.astimezone(UTC).astimezone(zone) != local:  # within one zone the clocks' faces are compared
        local += timedelta(minutes=1)
    return tuple(sorted({local.replace(fold=fold).astimezone(UTC) for fold in (0, 1)}))
