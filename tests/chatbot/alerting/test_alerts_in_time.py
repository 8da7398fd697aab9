"""Escalation, ownership, silences and flapping by the clock, on a real database."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from alert_world import FIRST, SECOND, START, World, signal, world

from chatbot.alerting.tending import UNHEARD_AFTER
from commands.alerting.model import Severity, Source
from commands.spec import UserError
from storage import alerts, marks, silences


@pytest.fixture
async def w(tmp_path: Path) -> AsyncIterator[World]:
    async with world(tmp_path) as made:
        yield made


async def calls(w: World) -> list[str]:
    return [each["text"] for each in await w.messages() if "/call-" in each["key"]]


async def test_a_critical_alert_calls_the_first_then_the_second_and_here_then_all_until_it_is_owned(
    w: World,
) -> None:
    await w.says(signal())
    await w.after(seconds=119)
    assert await calls(w) == []
    await w.after(seconds=1)
    (first,) = await calls(w)
    assert f"<@{FIRST}>" in first
    assert "<!here>" not in first
    await w.after(seconds=179)
    assert len(await calls(w)) == 1
    await w.after(seconds=1)
    second = (await calls(w))[1]
    assert f"<@{SECOND}>" in second
    assert "<!here>" in second
    for number in range(2, 5):
        await w.after(minutes=10, seconds=-1)
        assert len(await calls(w)) == number
        await w.after(seconds=1)
        assert len(await calls(w)) == number + 1
    last = (await calls(w))[-1]
    assert all(f"<@{each}>" in last for each in (FIRST, SECOND))
    await w.acts.acknowledge(1, by="U0OPER")
    await w.after(minutes=29)
    assert len(await calls(w)) == 5
    assert len(await w.texts("took #1")) >= 2  # under the card, and in place of the last call


async def test_who_is_on_call_is_called_first(w: World) -> None:
    await w.acts.appoint("U0NIGHT", START + timedelta(hours=8), by=FIRST)
    await w.says(signal())
    await w.after(minutes=2)
    (first,) = await calls(w)
    assert "<@U0NIGHT>" in first
    assert FIRST not in first
    w.at = START + timedelta(hours=8)
    await w.says(signal("Another", kind="Another"))
    await w.after(minutes=2)
    assert f"<@{FIRST}>" in (await calls(w))[-1]


async def test_with_nobody_to_call_by_name_everybody_is_called_at_once(tmp_path: Path) -> None:
    async with world(tmp_path, contacts=()) as w:
        await w.says(signal())
        await w.after(minutes=2)
        assert "<!here>" in (await calls(w))[0]


async def test_a_long_absence_makes_one_call_and_then_goes_on(w: World) -> None:
    await w.says(signal())
    await w.after(hours=3)
    assert len(await calls(w)) == 1
    assert "<!here>" in (await calls(w))[0]
    await w.after(minutes=10)
    assert len(await calls(w)) == 2


async def test_what_is_not_critical_calls_nobody(w: World) -> None:
    await w.says(signal(severity=Severity.HIGH))
    await w.through(timedelta(minutes=30), step=30)
    assert await calls(w) == []


async def test_an_acknowledgement_lapses(w: World) -> None:
    await w.says(signal())
    await w.acts.acknowledge(1, by=SECOND)
    await w.after(minutes=30, seconds=-1)
    assert await w.texts("Are you still on it") == []
    await w.after(seconds=1)
    (asked,) = await w.texts("Are you still on it")
    assert f"<@{SECOND}>" in asked
    await w.acts.acknowledge(1, by=SECOND)  # still mine
    await w.after(minutes=30)
    assert len(await w.texts("Are you still on it")) == 2
    await w.after(minutes=10, seconds=-1)
    assert await calls(w) == []
    await w.after(seconds=1)
    (call,) = await calls(w)
    assert f"<@{SECOND}>" in call  # who did not answer is named
    assert f"<@{FIRST}>" in call
    await w.after(minutes=3)
    assert len(await calls(w)) == 2


async def test_acknowledging_what_is_over_or_owned_changes_nothing_and_says_so(w: World) -> None:
    await w.says(signal())
    await w.acts.acknowledge(1, by=FIRST)
    assert f"<@{FIRST}>" in (await w.acts.acknowledge(1, by=SECOND)).text
    await w.says(replace(signal(), firing=False))
    before = await w.messages()
    told = await w.acts.acknowledge(1, by=SECOND)
    assert "resolved" in told.text.lower()
    assert await w.messages() == before
    with pytest.raises(UserError, match="no such alert"):
        await w.acts.acknowledge(7, by=SECOND)


async def test_a_resolved_card_turns_green_and_the_call_stops_calling(w: World) -> None:
    await w.says(signal())
    await w.after(minutes=2)
    await w.after(minutes=1)
    await w.says(replace(signal(), firing=False))
    card, *rest = await w.messages()
    assert card["text"].startswith("✅ RESOLVED after 3 min")
    assert any(each["reply"] and "RESOLVED" in each["text"] for each in rest)
    assert "NOBODY HAS IT" not in "".join(each["text"] for each in await w.messages())
    await w.through(timedelta(minutes=20), step=20)
    assert len(await calls(w)) == 1


async def test_a_silence_is_announced_and_ends_with_what_still_fires(w: World) -> None:
    await w.acts.silence("margin", timedelta(hours=4), "known feed problem", by=FIRST)
    await w.says(signal(severity=Severity.HIGH))
    assert len(await w.messages()) == 1
    await w.after(hours=4, minutes=-10)
    texts = [each["text"] for each in await w.messages()]
    assert len(texts) == 2
    assert "known feed problem" in texts[0]
    await w.after(minutes=10, seconds=-1)
    assert len(await w.messages()) == 2
    await w.after(seconds=1)
    news = [each["text"] for each in await w.messages()][2:]
    assert any(
        "HIGH" in text and "was silenced by" in text.lower() and f"<@{FIRST}>" in text for text in news
    )
    assert any("silence" in text.lower() and "over" in text.lower() for text in news)


async def test_a_critical_alert_is_quiet_for_an_hour_at_most(w: World) -> None:
    await w.acts.silence("margin", timedelta(hours=4), "known feed problem", by=FIRST)
    await w.says(signal())
    await w.after(minutes=59, seconds=59)
    assert await w.texts("🔴") == []
    await w.after(seconds=1)
    assert len(await w.texts("🔴", "was silenced by")) == 1
    await w.after(minutes=2)
    assert len(await calls(w)) == 1


async def test_silencing_a_critical_alert_stops_its_calls_and_only_for_an_hour(w: World) -> None:
    await w.says(signal())
    with pytest.raises(UserError, match="never quiet for more than an hour"):
        await w.acts.silence_alert(1, "4h", "why", by=FIRST)
    await w.acts.silence_alert(1, "1h", "I am on it", by=FIRST)
    await w.through(timedelta(minutes=59), step=20)
    assert await calls(w) == []
    await w.through(timedelta(minutes=4), step=20)
    assert len(await calls(w)) == 1


async def test_everything_means_everything_that_is_not_critical(w: World) -> None:
    await w.acts.silence("*", timedelta(hours=1), "maintenance", by=FIRST)
    await w.says(signal("Slow", severity=Severity.HIGH, kind="Slow"), signal("Dead", kind="Dead"))
    assert await w.texts("Slow", "HIGH") == []
    assert len(await w.texts("Dead", "CRITICAL")) == 1


async def test_who_was_never_told_of_the_beginning_is_not_told_of_the_end(w: World) -> None:
    await w.acts.silence("margin", timedelta(hours=1), "known", by=FIRST)
    await w.says(signal(severity=Severity.HIGH))
    await w.says(replace(signal(severity=Severity.HIGH), firing=False))
    assert [each["key"] for each in await w.messages()] == ["silence/1"]


async def test_until_resolved_ends_with_the_alert(w: World) -> None:
    await w.says(signal(severity=Severity.HIGH))
    await w.acts.silence_alert(1, "resolved", "being replaced", by=FIRST)
    await w.after(seconds=1)
    await w.says(replace(signal(severity=Severity.HIGH), firing=False))
    assert await w.database.read(silences.standing) == []


async def test_quiet_hours_hold_warnings_until_they_end(tmp_path: Path) -> None:
    async with world(tmp_path, quiet_hours="22:00-07:00", zone="UTC") as w:
        await w.says(
            signal("Slow", severity=Severity.WARNING, kind="Slow"),
            signal("Worse", severity=Severity.HIGH, kind="Worse"),
            signal("Dead", kind="Dead"),
        )
        assert await w.texts("Slow") == []
        assert len(await w.texts("Worse")) == 1
        assert len(await w.texts("Dead")) == 1
        w.at = START.replace(hour=7, minute=0)
        await w.tending.look()
        assert len(await w.texts("Slow")) == 1


async def test_the_third_similar_alert_begins_one_message_for_several(w: World) -> None:
    for number in range(6):
        await w.says(signal(f"Order {number} rejected", severity=Severity.WARNING, identity=str(number)))
        await w.after(seconds=10)
    cards = [each for each in await w.messages() if each["key"].count("/") == 2]
    assert len(cards) == 3
    await w.through(timedelta(seconds=30), step=1)
    assert "4 similar" in (await w.messages())[-1]["text"]


async def test_the_fourth_change_says_that_it_flaps_and_then_it_is_quiet(w: World) -> None:
    told = []
    for number in range(8):
        on = replace(signal(severity=Severity.HIGH), began_at=START + timedelta(seconds=number))
        await w.says(replace(on, firing=number % 2 == 0))
        await w.after(seconds=20)
        told.append(len(await w.messages()))
    assert len(await w.texts("FLAPPING")) == 1
    assert told[3] == told[-1]
    await w.after(minutes=10)
    assert len(await w.texts("no longer flaps", "stayed quiet")) == 1


async def test_an_event_that_nobody_repeats_is_over_but_not_called_resolved(w: World) -> None:
    event = signal(severity=Severity.HIGH, source=Source.COORDINATOR)
    await w.says(event)
    await w.after(seconds=UNHEARD_AFTER.total_seconds() - 1)
    assert await w.texts("NO LONGER REPORTED") == []
    await w.after(seconds=1)
    assert await w.texts("NO LONGER REPORTED") != []
    assert await w.texts("RESOLVED") == []


async def test_a_critical_event_stays_until_somebody_has_it(w: World) -> None:
    await w.says(signal(source=Source.COORDINATOR))
    await w.after(hours=5)
    assert (await w.database.read(lambda conn: alerts.get(conn, 1))).firing
    await w.acts.acknowledge(1, by=FIRST)
    await w.after(seconds=1)
    assert not (await w.database.read(lambda conn: alerts.get(conn, 1))).firing


async def test_a_clock_that_is_set_back_makes_nobody_wait(w: World) -> None:
    await w.says(signal())
    await w.after(minutes=2)
    w.at -= timedelta(hours=2)
    await w.tending.decide_anew()
    await w.tending.look()
    await w.through(timedelta(minutes=12), step=5)
    assert len(await calls(w)) >= 2


async def test_the_episode_that_is_over_is_not_begun_again_by_a_late_repetition(w: World) -> None:
    on = signal(severity=Severity.HIGH)
    await w.says(on)
    await w.says(on)
    await w.says(replace(on, firing=False))
    before = await w.messages()
    await w.says(on)
    assert await w.messages() == before
    again = replace(on, began_at=START + timedelta(minutes=1))
    await w.says(again)
    await w.says(replace(on, firing=False))  # of the earlier episode
    row = await w.database.read(lambda conn: alerts.get(conn, 1))
    assert row is not None
    assert row.firing


async def test_a_rise_to_critical_is_said_anew_and_calls(w: World) -> None:
    low = signal(severity=Severity.WARNING, source=Source.LIMITS, identity="limit")
    await w.says(low)
    await w.says(replace(low, severity=Severity.CRITICAL, value=1000.0, limit=1000.0))
    assert len(await w.texts("Goes on in a newer message")) == 1
    assert len(await w.texts("CRITICAL", "1,000 of 1,000")) == 1
    await w.after(minutes=2)
    assert len(await calls(w)) == 1


async def test_only_one_note_puts_the_decisions_in_line(w: World) -> None:
    await w.says(signal())
    assert await w.database.read(lambda conn: marks.get(conn, "alerts")) is not None
