"""Times as people type them: read without a clock, and always ahead once there is one."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.moments import LONGEST, When, span, when
from commands.spec import UserError
from tests.hostile import texts

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 25, 11, 30, tzinfo=UTC)  # a Wednesday, 12:30 in Berlin
ZONES = tuple(
    map(ZoneInfo, ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia"))
)

moments_typed = st.one_of(
    st.from_regex(r"[0-9]{1,6}[wdhm]", fullmatch=True),
    st.builds(
        "{} {}".format,
        st.sampled_from(["", "today", "tomorrow", "mon", "friday", "2026-03-29", "2026-10-25"]),
        st.times().map(lambda at: f"{at:%H:%M}"),
    ),
    st.dates(date(2000, 1, 1), date(2999, 12, 31)).map(str),
    st.dates(date(2026, 1, 1), date(2026, 12, 31)).map(str),
    st.sampled_from(["today", "tomorrow", "sunday"]),
)

nows = st.integers(0, 366 * 86_400).map(
    lambda second: datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
)


@pytest.mark.parametrize(
    ("word", "wanted"),
    [
        ("15m", timedelta(minutes=15)),
        ("1h", timedelta(hours=1)),
        ("90m", timedelta(minutes=90)),
        ("1h30m", timedelta(minutes=90)),
        ("2d", timedelta(days=2)),
        ("1d12h", timedelta(hours=36)),
        ("1w", timedelta(days=7)),
        ("4H,", timedelta(hours=4)),
        ("0m", timedelta()),
        ("999999w", timedelta(weeks=999_999)),
    ],
)
def test_a_length_of_time_is_read(word: str, wanted: timedelta) -> None:
    assert span(word) == wanted


@pytest.mark.parametrize(
    "word",
    [
        "",
        "m",
        "1",
        "30m1h",
        "1h1h",
        "45 min",
        "1.5h",
        "-5m",
        "1h30",
        "90s",
        "1hour",
        "٣w",
        "٣h",
        "1000000m",
        "1h\n1m",
    ],
)
def test_what_is_no_length_of_time_is_none(word: str) -> None:
    assert span(word) is None


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("8h", When(typed="8h", span=timedelta(hours=8))),
        ("until 2d", When(typed="2d", span=timedelta(days=2))),
        ("07:30", When(typed="07:30", at=time(7, 30))),
        ("Until 7:30.", When(typed="7:30", at=time(7, 30))),
        ("00:00", When(typed="00:00")),
        ("tomorrow 08:00", When(typed="tomorrow 08:00", ahead=1, at=time(8))),
        ("TOMORROW,  08:00", When(typed="tomorrow 08:00", ahead=1, at=time(8))),
        ("today 23:59", When(typed="today 23:59", ahead=0, at=time(23, 59))),
        ("tomorrow", When(typed="tomorrow", ahead=1)),
        ("2026-11-28", When(typed="2026-11-28", day=date(2026, 11, 28))),
        ("2026-11-28 08:00", When(typed="2026-11-28 08:00", day=date(2026, 11, 28), at=time(8))),
        ("monday", When(typed="monday", weekday=0)),
        ("fri 18:00", When(typed="fri 18:00", weekday=4, at=time(18))),
        ("thurs \u202e", When(typed="thurs", weekday=3)),
    ],
)
def test_a_moment_is_read_as_it_was_typed(text: str, wanted: When) -> None:
    assert when(text) == wanted


@pytest.mark.parametrize(
    "text",
    [
        "",
        "until",
        "until until 8h",
        "soon",
        "mo",
        "mondays",
        "24:00",
        "7:60",
        "1h 30m",
        "08:00 tomorrow",
        "fri sat 08:00",
        "8h 08:00",
        "2026-02-30",
        "2026-11-28 25:00",
        "1999-12-31",
        "9999-12-31",
        "20261128",
        "28.11.2026",
    ],
)
def test_what_is_no_moment_is_none(text: str) -> None:
    assert when(text) is None


def resolved(text: str, now: datetime = NOW, zone: ZoneInfo = BERLIN) -> str:
    """The moment in UTC, without the seconds."""
    moment = read(text).resolve(now, zone)
    assert moment.tzinfo is UTC
    return f"{moment:%Y-%m-%d %H:%M}"


def read(text: str) -> When:
    found = when(text)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("8h", "2026-11-25 19:30"),
        ("31d", "2026-12-26 11:30"),
        ("12:31", "2026-11-25 11:31"),
        ("12:30", "2026-11-26 11:30"),  # it is 12:30: the next one is tomorrow
        ("07:30", "2026-11-26 06:30"),
        ("today 18:00", "2026-11-25 17:00"),
        ("tomorrow 08:00", "2026-11-26 07:00"),
        ("tomorrow", "2026-11-25 23:00"),
        ("2026-11-28", "2026-11-27 23:00"),
        ("2026-11-28 08:00", "2026-11-28 07:00"),
        ("monday", "2026-11-29 23:00"),
        ("fri 18:00", "2026-11-27 17:00"),
        ("wed 18:00", "2026-11-25 17:00"),
        ("wednesday 12:00", "2026-12-02 11:00"),
        ("wednesday", "2026-12-01 23:00"),
        ("2026-12-26 12:30", "2026-12-26 11:30"),
    ],
)
def test_a_moment_is_the_next_one_on_the_clocks_of_the_zone(text: str, wanted: str) -> None:
    assert resolved(text) == wanted


def test_tomorrow_is_the_day_after_where_the_clocks_are() -> None:
    late = datetime(2026, 11, 25, 23, 30, tzinfo=UTC)  # the 26th in Berlin
    assert resolved("tomorrow 08:00", late) == "2026-11-27 07:00"
    assert resolved("tomorrow 08:00", late, ZoneInfo("UTC")) == "2026-11-26 08:00"


@pytest.mark.parametrize("text", ["8h", "07:30", "tomorrow"])
def test_now_may_be_of_any_zone(text: str) -> None:
    assert resolved(text, NOW.astimezone(ZoneInfo("Asia/Tokyo"))) == resolved(text)


@pytest.mark.parametrize(
    ("now", "text", "wanted"),
    [
        # 2026-03-29: 02:00 becomes 03:00, so 02:30 does not exist
        ("2026-03-28 12:00", "tomorrow 02:30", "2026-03-29 01:00"),
        ("2026-03-28 12:00", "2026-03-29 01:59", "2026-03-29 00:59"),
        ("2026-03-28 12:00", "2026-03-29 03:00", "2026-03-29 01:00"),
        ("2026-03-29 00:10", "02:30", "2026-03-29 01:00"),
        ("2026-03-29 01:10", "02:30", "2026-03-30 00:30"),  # 03:10: that is over for today
        ("2026-03-28 12:00", "1d", "2026-03-29 12:00"),
        # 2026-10-25: 03:00 becomes 02:00, so 02:30 comes twice
        ("2026-10-24 12:00", "tomorrow 02:30", "2026-10-25 00:30"),
        ("2026-10-24 12:00", "sun 02:30", "2026-10-25 00:30"),
        ("2026-10-25 00:45", "02:30", "2026-10-25 01:30"),  # the first is over, the second is not
        ("2026-10-25 00:45", "2026-10-25 02:30", "2026-10-25 01:30"),
        ("2026-10-25 01:30", "02:30", "2026-10-26 01:30"),
        ("2026-10-24 12:00", "2026-10-25 03:00", "2026-10-25 02:00"),
        ("2026-10-24 12:00", "1d", "2026-10-25 12:00"),
    ],
)
def test_the_clocks_are_set_forward_and_back(now: str, text: str, wanted: str) -> None:
    assert resolved(text, datetime.fromisoformat(f"{now}+00:00")) == wanted


def test_a_day_that_begins_late_begins_when_its_clocks_do() -> None:
    before = datetime(2026, 4, 23, 12, tzinfo=UTC)  # at midnight the clocks of Cairo are set to one o'clock
    assert resolved("2026-04-24", before, ZoneInfo("Africa/Cairo")) == "2026-04-23 22:00"


@pytest.mark.parametrize(
    "text", ["0m", "today", "today 12:30", "2026-11-25", "2026-11-24 23:59", "2000-01-01"]
)
def test_what_is_over_is_refused(text: str) -> None:
    with pytest.raises(UserError) as raised:
        read(text).resolve(NOW, BERLIN)
    assert str(raised.value) == (
        f"'{text}' is over already: write a later time, as in 8h, 07:30 or tomorrow 08:00. Nothing was changed."
    )


@pytest.mark.parametrize(
    "text",
    ["31d1m", "5w", "999999w999999d", "2026-12-26 12:31", "2026-12-27", "2027-01-01", "2999-12-31 23:59"],
)
def test_what_is_too_far_ahead_is_refused(text: str) -> None:
    with pytest.raises(UserError) as raised:
        read(text).resolve(NOW, BERLIN)
    assert str(raised.value) == (
        f"'{text}' is too far ahead: the latest is 31 days from now. Nothing was changed."
    )


@given(text=moments_typed, now=nows, zone=st.sampled_from(ZONES))
def test_a_moment_is_ahead_and_near_or_refused_in_words(text: str, now: datetime, zone: ZoneInfo) -> None:
    typed = read(text)
    found = outcome(typed, now, zone)
    if isinstance(found, datetime):
        assert now < found <= now + LONGEST
        assert found.tzinfo is UTC
    else:
        assert len(found) < 200
        assert found.endswith("Nothing was changed.")
        # What names no day and no length is always ahead.
        assert (typed.span, typed.day, typed.ahead) != (None, None, None)
        assert typed.ahead != 1


def outcome(typed: When, now: datetime, zone: ZoneInfo) -> datetime | str:
    """The moment, or the sentence that refuses it."""
    try:
        return typed.resolve(now, zone)
    except UserError as error:
        return str(error)


@given(at=st.times(), now=nows, zone=st.sampled_from(ZONES))
def test_a_time_of_day_is_what_the_clocks_will_show_within_a_day(
    at: time, now: datetime, zone: ZoneInfo
) -> None:
    moment = read(f"{at:%H:%M}").resolve(now, zone)
    assert moment - now <= timedelta(hours=25)
    shown = moment.astimezone(zone)
    wanted = shown.replace(hour=at.hour, minute=at.minute)
    assert shown == wanted or wanted.astimezone(UTC).astimezone(zone) != wanted  # or they skip it


@given(texts)
def test_reading_never_raises_and_reads_its_own_words_again(text: str) -> None:
    span(text)
    found = when(text)
    assert found is None or when(found.typed) == found
