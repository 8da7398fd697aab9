"""What was heard and decided of alerts, messages that tell several, what is listed, and what is forgotten."""

from dataclasses import replace

from sqlalchemy import Connection
from stored_alerts import DAY, MINUTE, NOW, SECOND, a_row, an_event, names, note, store

from storage import alert_events, alerts
from storage.alerts import SUMMARY
from storage.database import Database


async def test_what_was_decided_of_an_alert_is_told_newest_first(database: Database) -> None:
    first = an_event(news="began", verdict="post", text="is in error", calls=1)
    owned = an_event(news="act", verdict="acknowledged", actor="U1", at=NOW + SECOND)
    same_moment = an_event(at=NOW + SECOND)
    await note(database, first, owned, same_moment)
    await note(database, an_event(2))
    assert await database.read(lambda conn: alert_events.events_of(conn, 1, 9)) == [same_moment, owned, first]
    assert await database.read(lambda conn: alert_events.events_of(conn, 1, 1)) == [same_moment]
    assert await database.read(lambda conn: alert_events.events_of(conn, 3, 9)) == []


async def test_changes_are_beginnings_and_ends_and_the_last_is_known_however_old(database: Database) -> None:
    assert await database.read(lambda conn: alert_events.changes(conn, 1, NOW)) == (0, None)
    await note(
        database,
        an_event(news="began", at=NOW - MINUTE),
        an_event(news="ended", at=NOW),
        an_event(news="began", at=NOW + MINUTE),
        an_event(news="again", at=NOW + 2 * MINUTE),
        an_event(2, news="ended", at=NOW + 3 * MINUTE),
    )
    last = NOW + MINUTE
    assert await database.read(lambda conn: alert_events.changes(conn, 1, NOW)) == (2, last)
    assert await database.read(lambda conn: alert_events.changes(conn, 1, NOW + DAY)) == (0, last)


async def test_calls_and_messages_are_counted_since_then(database: Database) -> None:
    assert await database.read(lambda conn: alert_events.calls_since(conn, NOW)) == 0
    await note(
        database,
        an_event(verdict="post", calls=1, at=NOW - SECOND),
        an_event(verdict="post", calls=2),
        an_event(2, verdict="escalate", calls=2, at=NOW + SECOND),
        an_event(2),
    )
    assert (
        await database.read(lambda conn: alert_events.calls_since(conn, NOW)) == 2
    )  # a call for help is not counted
    assert await database.read(lambda conn: alert_events.messages_since(conn, NOW)) == 1
    assert await database.read(lambda conn: alert_events.messages_since(conn, NOW + SECOND)) == 0


async def test_the_tally_counts_alerts_and_no_message_that_tells_several(database: Database) -> None:
    nothing = {"began": 0, "ended": 0, "hold": 0}
    assert await database.read(lambda conn: alerts.tally(conn, NOW)) == nothing
    one, several = await store(database, a_row(), a_row("s", source=SUMMARY))
    await note(
        database,
        an_event(one.id, news="began", verdict="post", at=NOW - SECOND),
        an_event(one.id, news="began", verdict="update"),
        an_event(one.id, news="began", verdict="hold"),
        an_event(one.id, news="ended", verdict="resolve", at=NOW + SECOND),
        an_event(one.id, news="act", verdict="acknowledged"),
        an_event(several.id, news="began", verdict="post"),
        an_event(several.id, news="ended", verdict="hold"),
    )
    assert await database.read(lambda conn: alerts.tally(conn, NOW)) == {"began": 2, "ended": 1, "hold": 1}
    assert await database.read(lambda conn: alerts.tally(conn, NOW + DAY)) == nothing


async def test_of_each_group_those_are_counted_that_began_since_then(database: Database) -> None:
    await store(
        database,
        a_row("at that moment"),
        a_row("over", firing=False, began_at=NOW + SECOND),
        a_row("too old", began_at=NOW - SECOND),
        a_row("another group", group_key="other"),
        a_row("not asked for", group_key="third"),
    )
    groups = {"fleet/bot_error", "other", "no such"}
    counted = {"fleet/bot_error": 2, "other": 1}
    assert await database.read(lambda conn: alerts.begun_by_group(conn, groups, NOW)) == counted
    assert await database.read(lambda conn: alerts.begun_by_group(conn, (), NOW)) == {}


# -- messages that tell several --------------------------------------------------------------------------------

SEVERAL = {"summary_id": 77, "told": "summary", "told_severity": "high"}


async def test_members_are_told_those_that_fire_first_then_the_newest(database: Database) -> None:
    await store(
        database,
        a_row("old", **SEVERAL),
        a_row("over", firing=False, began_at=NOW + DAY, **SEVERAL),
        a_row("new", began_at=NOW + SECOND, **SEVERAL),
        a_row("new as well", began_at=NOW + SECOND, **SEVERAL),
        a_row("elsewhere", summary_id=78),
        a_row("nowhere"),
    )
    order = ["new as well", "new", "old", "over"]
    assert await names(database, lambda conn: alerts.members(conn, 77, 9)) == order
    assert await names(database, lambda conn: alerts.members(conn, 77, 2)) == order[:2]
    assert await names(database, lambda conn: alerts.members(conn, 79, 9)) == []
    assert await database.read(lambda conn: alerts.newest_member(conn, 77)) == NOW + DAY
    assert await database.read(lambda conn: alerts.newest_member(conn, 79)) is None


async def test_members_are_counted_by_bot_most_first(database: Database) -> None:
    bots = ("zulu", "ndax", "ndax", "ndax", None, None, "alfa")
    await store(
        database,
        *(a_row(str(n), bot=bot, firing=n != 1, **SEVERAL) for n, bot in enumerate(bots)),
        a_row("elsewhere", summary_id=78),
    )
    counted = [("ndax", 3, 2), ("", 2, 2), ("alfa", 1, 1), ("zulu", 1, 1)]
    assert await database.read(lambda conn: alerts.members_by_bot(conn, 77)) == counted
    assert await database.read(lambda conn: alerts.members_by_bot(conn, 79)) == []


async def test_what_fires_in_a_message_is_owned_with_it(database: Database) -> None:
    await store(
        database,
        a_row("fires", **SEVERAL),
        a_row("somebody's", owner="U2", **SEVERAL),
        a_row("over", firing=False, **SEVERAL),
        a_row("elsewhere", summary_id=78),
    )
    assert await database.write(lambda conn: alerts.own_members(conn, 77, owner="U1", at=NOW)) == 2
    found = await database.read(
        lambda conn: alerts.by_fingerprint(conn, ["fires", "somebody's", "over", "elsewhere"])
    )
    assert {name: (row.owner, row.owned_at) for name, row in found.items()} == {
        "fires": ("U1", NOW),
        "somebody's": ("U1", NOW),
        "over": (None, None),
        "elsewhere": (None, None),
    }


async def test_when_a_message_is_over_its_alerts_are_told_nowhere(database: Database) -> None:
    one, other = await store(
        database, a_row("one", **SEVERAL), a_row("other", **SEVERAL | {"summary_id": 78})
    )
    await database.write(lambda conn: alerts.leave_summary(conn, 77))
    untold = replace(one, summary_id=None, told="nothing", told_severity=None, logs=[])
    assert await database.read(lambda conn: alerts.get(conn, one.id)) == untold
    assert await database.read(lambda conn: alerts.get(conn, other.id)) == replace(other, logs=[])
    assert await database.read(lambda conn: alerts.members(conn, 77, 9)) == []


# -- lists -----------------------------------------------------------------------------------------------------


async def test_what_fires_and_is_severe_is_listed_first_then_the_newest(database: Database) -> None:
    await store(
        database,
        a_row("warning", severity="warning"),
        a_row("info", severity="info"),
        a_row("critical", severity="critical"),
        a_row("high"),
        a_row("high, newer", last_at=NOW + SECOND),
        a_row("high, newer as well", last_at=NOW + SECOND, bot="kraken"),
        a_row("critical, over", severity="critical", firing=False, last_at=NOW + DAY),
        a_row("tells several", source=SUMMARY, severity="critical"),
    )
    order = ["critical", "high, newer as well", "high, newer", "high", "warning", "info", "critical, over"]

    async def listed(*, only_firing: bool, bot: str | None, limit: int) -> tuple[list[str], int]:
        def query(conn: Connection) -> tuple[list[alerts.AlertRow], int]:
            return alerts.listed(conn, only_firing=only_firing, bot=bot, limit=limit)

        rows, many = await database.read(query)
        return [row.fingerprint for row in rows], many

    assert await listed(only_firing=False, bot=None, limit=9) == (order, 7)
    assert await listed(only_firing=True, bot=None, limit=9) == (order[:-1], 6)
    assert await listed(only_firing=True, bot=None, limit=2) == (order[:2], 6)
    assert await listed(only_firing=True, bot="kraken", limit=9) == (["high, newer as well"], 1)
    assert await listed(only_firing=True, bot="nobody", limit=9) == ([], 0)


async def test_what_fires_is_counted_by_severity_and_no_message_that_tells_several(
    database: Database,
) -> None:
    assert await database.read(alerts.counted) == {}
    await store(
        database,
        a_row("one"),
        a_row("two"),
        a_row("critical", severity="critical"),
        a_row("over", severity="info", firing=False),
        a_row("tells several", source=SUMMARY),
    )
    assert await database.read(alerts.counted) == {"high": 2, "critical": 1}


async def test_what_was_seen_to_end_is_told_oldest_first(database: Database) -> None:
    over = {"firing": False, "ended_at": NOW}
    await store(
        database,
        a_row("second", **over | {"ended_at": NOW + SECOND}),
        a_row("first", **over, kind="other"),
        a_row("too early", **over | {"ended_at": NOW - SECOND}),
        a_row("only unheard", **over, unheard=True),
        a_row("another kind", **over, kind="third"),
        a_row("fires again", ended_at=NOW),
    )
    kinds = ["bot_error", "other"]
    assert await names(database, lambda conn: alerts.ended_since(conn, NOW, kinds)) == ["first", "second"]
    assert await names(database, lambda conn: alerts.ended_since(conn, NOW, [])) == []


# -- forgetting ------------------------------------------------------------------------------------------------


async def test_what_is_over_for_long_is_forgotten_never_what_fires_or_is_due(database: Database) -> None:
    long_over = {"firing": False, "last_at": NOW - SECOND, "ended_at": NOW - SECOND}
    await store(
        database,
        a_row("over", **long_over),
        a_row("over without a time", **long_over | {"ended_at": None}),
        a_row("fires", **long_over | {"firing": True}),
        a_row("due", **long_over, due_at=NOW + DAY),
        a_row("said at that moment", **long_over | {"last_at": NOW}),
        a_row("said long ago, over since", **long_over | {"ended_at": NOW}),
        a_row("newest", **long_over),
    )
    await note(database, an_event(1, at=NOW - SECOND), an_event(3, at=NOW - DAY), an_event(3), an_event(99))
    assert await database.write(lambda conn: alerts.prune(conn, NOW)) == 4
    kept, many = await database.read(lambda conn: alerts.listed(conn, only_firing=False, bot=None, limit=9))
    assert many == 5
    assert {row.fingerprint for row in kept} == {
        "fires",
        "due",
        "said at that moment",
        "said long ago, over since",
        "newest",
    }
    assert await database.read(lambda conn: alert_events.events_of(conn, 1, 9)) == []
    assert await database.read(lambda conn: alert_events.events_of(conn, 3, 9)) == [an_event(3)]
    assert await database.write(lambda conn: alerts.prune(conn, NOW)) == 0


async def test_a_forgotten_alert_gives_its_number_to_no_other(database: Database) -> None:
    """Its cards stand in the outbox under its number: a new alert would be an edit of an old one, seen by nobody."""
    old = await store(database, *(a_row(str(n), firing=False) for n in range(3)))
    await database.write(lambda conn: alerts.prune(conn, NOW + DAY))
    [new] = await store(database, a_row("new"))
    assert new.id not in {row.id for row in old}
