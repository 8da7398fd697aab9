"""Logs as programs write them, and as nobody should: what is read and told of them, and what is not."""

import os
import time
import tracemalloc
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from commands.coordinator.model import LogLine
from commands.probes import files, logs
from commands.probes.model import Finding, Places, Verdict
from commands.probes.records import MOST_BYTES, MOST_LINES, Record, from_files, from_monitor
from commands.probes.signs import SIGNS

MIB = 1024 * 1024
DAY = "2026-11-24"
SIGNS_OF_LOGS = {name for name, sign in SIGNS.items() if sign.probe == "logs"}
NOTHING = dict.fromkeys(SIGNS_OF_LOGS, False)

TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/fleet/bots/ndax.py", line 12, in run
    self.trade()
  File "/srv/fleet/bots/ndax.py", line 40, in trade
    price = quotes[pair]
KeyError: 'BTC'
"""


@pytest.fixture
def places(tmp_path: Path) -> Places:
    home = tmp_path / "fleet"
    (home / "logs").mkdir(parents=True)
    return files.places(str(home), logs="logs", config="config", backups="backups")


def line(
    text: str, *, level: str = "ERROR", at: str = f"{DAY} 00:51:36,248", who: str = "BotCoordinator"
) -> str:
    return f"{at} - {who} - {level} - {text}\n"


def records(text: str) -> tuple[Record, ...]:
    """The records of these lines, which the monitor sends one by one."""
    return from_monitor([LogLine(file="a.log", line=each) for each in text.splitlines()]).records


def looked(text: str) -> tuple[Finding, ...]:
    return logs.look(from_monitor([LogLine(file="a.log", line=each) for each in text.splitlines()]))


def signs(findings: tuple[Finding, ...]) -> Mapping[str, bool]:
    found: dict[str, bool] = {}
    for each in findings:
        for name, seen in each.signs.items():
            found[name] = found.get(name, False) or seen
    return found


@contextmanager
def bounded(*, mib: int, seconds: float) -> Iterator[None]:
    """Fails when what is done inside takes more memory or time."""
    tracemalloc.start()
    begun = time.perf_counter()
    try:
        yield
        took, peak = time.perf_counter() - begun, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < mib * MIB, f"{peak / MIB:.0f} MiB"
    assert took < seconds, f"{took:.1f} s"


# -- what is told of them


def test_a_quiet_log_has_every_sign_absent() -> None:
    (finding,) = looked(line("started", level="INFO") * 3)

    assert finding.verdict is Verdict.WELL
    assert finding.text == f"3 INFO in the 24 hours up to {DAY} 00:51:36,248"
    assert finding.source == "GET /logs"
    assert finding.signs == NOTHING


@pytest.mark.parametrize(
    ("text", "sign"),
    [
        ("connection refused by api.ndax.io", "logs.api"),
        ("out of memory", "logs.memory"),
        ("invalid config in bot-limits.json", "logs.config"),
        ("balance mismatch on BTC", "logs.data"),
        ("suspicious order by nobody", "logs.security"),
    ],
)
def test_each_topic_has_its_sign_with_the_line_that_says_it(text: str, sign: str) -> None:
    for level in ("WARNING", "ERROR", "CRITICAL"):
        found = looked(line("started", level="INFO") + line(text, level=level))

        assert signs(found) == {**NOTHING, sign: True}
        (saying,) = [each for each in found if each.signs.get(sign)]
        assert saying.text == f"{DAY} 00:51:36,248: BotCoordinator - {level} - {text}"
    assert signs(looked(line(text, level="INFO"))) == NOTHING


def test_tracebacks_are_told_by_what_they_end_in() -> None:
    text = (line("failed") + TRACEBACK) * 2 + line("odd") + TRACEBACK.replace("KeyError", "TimeoutError")

    told = [each.text for each in looked(text) if each.signs.get("logs.tracebacks")]

    assert told == [
        '2 tracebacks end in KeyError at File "/srv/fleet/bots/ndax.py", line 40, in trade',
        'A traceback ends in TimeoutError at File "/srv/fleet/bots/ndax.py", line 40, in trade',
    ]


def test_a_traceback_speaks_whatever_the_level_of_its_record() -> None:
    text = line("retrying", level="INFO") + TRACEBACK.replace("KeyError: 'BTC'", "ssl.SSLError: handshake")

    assert signs(looked(text)) == {**NOTHING, "logs.tracebacks": True, "logs.api": True}


def test_the_end_of_a_long_traceback_is_searched_too() -> None:
    deep = '  File "/srv/fleet/bots/ndax.py", line 1, in run\n    again()\n' * 400
    text = f"{line('failed')}Traceback (most recent call last):\n{deep}MemoryError\n"

    assert signs(looked(text)) == {**NOTHING, "logs.tracebacks": True, "logs.memory": True}


def test_what_is_older_than_a_day_before_the_newest_record_counts_no_more() -> None:
    old = line("connection refused", at="2026-11-23 00:51:35,000") + TRACEBACK
    new = line("started", level="INFO")

    assert signs(looked(old + new)) == NOTHING
    assert signs(looked(old.replace(":35,", ":37,") + new))["logs.api"] is True


def test_a_record_without_a_time_is_as_old_as_the_one_before() -> None:
    old = line("x", level="INFO", at="2026-11-01 00:00:00") + "ERROR: connection refused\n"

    assert signs(looked(old + line("started", level="INFO"))) == NOTHING
    assert signs(looked("ERROR: connection refused\n" + line("started", level="INFO")))["logs.api"] is True


def test_releases_are_no_kills() -> None:
    text = (
        line("KILL SWITCH ACTIVATED: bad fills", level="CRITICAL")
        + line("kill switch released by ops", level="CRITICAL")
        + line("KILL SWITCH DEACTIVATED", level="CRITICAL")
        + line("KILL SWITCH ACTIVATED is what a kill says", level="INFO")
        + line("kill switch deactivated", level="WARNING")
    )

    counted = looked(text)[0]

    assert counted.verdict is Verdict.ILL
    assert counted.text.startswith("3 CRITICAL, 1 WARNING, 1 INFO, 1 of them a kill in the 24 hours")


def test_alike_records_are_one_cluster() -> None:
    names = ("Ann", "Bob", "Cid")
    text = "".join(
        line(f"order {number} of '{names[number % 3]}' took {number}.5 ms", at=f"{DAY} 00:51:{number},000")
        for number in range(10, 40)
    )
    text += line("another thing") + line("another thing", level="WARNING")

    found = logs.clusters(records(text), 5)

    assert [(each.level, each.count) for each in found] == [("ERROR", 30), ("ERROR", 1), ("WARNING", 1)]
    assert (found[0].first, found[0].last) == (f"{DAY} 00:51:10,000", f"{DAY} 00:51:39,000")
    assert found[0].example == "BotCoordinator - ERROR - order 39 of 'Ann' took 39.5 ms"
    assert len(logs.clusters(records(text), 2)) == 2


def test_at_most_five_clusters_are_shown() -> None:
    words = ("alpha", "beta", "gamma", "delta", "epsilon", "zeta", "eta")

    found = looked("".join(line(f"{each} failed") for each in words))

    assert len(found) == 1 + 5
    assert found[1].text == f"1 x ERROR, {DAY} 00:51:36,248: BotCoordinator - ERROR - alpha failed"


# -- what is searched


def test_records_are_filtered_by_bot_level_and_text(places: Places) -> None:
    (places.logs / "ndax.log").write_text(line("Fill late", who="x") + line("fill", level="INFO", who="x"))
    (places.logs / "all.log").write_text(line("ndax fill") + line("ndaxter fill", level="CRITICAL"))
    found = from_files(places).records

    def texts(bot: str | None, level: str | None, text: str) -> list[str]:
        kept = logs.filtered(found, bot=bot, level=level, text=text)
        return sorted(each.text.split(" - ")[-1] for each in kept)

    assert texts("NDAX", None, "") == ["Fill late", "fill", "ndax fill"]
    assert texts("ndax", "WARNING", "") == ["Fill late", "ndax fill"]
    assert texts(None, "CRITICAL", "") == ["ndaxter fill"]
    assert texts(None, None, "fill  LATE") == ["Fill late"]


def test_nobody_searches_for_a_secret() -> None:
    found = records(line("token=hunter2 was refused"))

    assert logs.filtered(found, bot=None, level=None, text="hunter2") == []
    assert logs.filtered(found, bot="hunter2", level=None, text="") == []
    assert len(logs.filtered(found, bot=None, level=None, text="was refused")) == 1


# -- secrets and markup


@pytest.mark.parametrize(
    "secret",
    [
        "xoxb-1234567890-hunter2",
        "api_key='hunter2 with words'",
        "postgresql://bot:hunter2@db/fleet",
        "Authorization: Bearer hunter2",
        "tok\u200ben=hunter2",
    ],
)
def test_secrets_are_masked_before_a_line_is_cut(secret: str) -> None:
    for padding in ("", *("x" * (limit - cut) for limit in (200, 2000, 8000) for cut in range(25, 50, 3))):
        said = line(f"timed out {padding} {secret} {'y' * 3000}") + TRACEBACK.replace("BTC", secret)

        assert "hunter2" not in "".join(each.text for each in looked(said))
        assert "hunter2" not in "".join(each.text for each in records(said))


def test_a_secret_where_a_record_of_many_lines_is_cut_is_masked() -> None:
    for length in range(960, 1000, 2):
        said = (
            line("x" * length) + "y" * length + "\nat postgresql://bot:hunter2hunter2@db/fleet\n" + "z" * 1900
        )

        assert "hunter" not in records(said)[0].text


def test_a_secret_in_the_path_of_a_traceback_is_masked() -> None:
    said = line("failed") + TRACEBACK.replace("/srv/fleet", "/srv/xoxb-12345-hunter2")

    (told,) = [each.text for each in looked(said) if each.signs.get("logs.tracebacks")]
    assert told.startswith('A traceback ends in KeyError at File "/srv/xoxb-***')


def test_a_secret_over_several_lines_is_masked() -> None:
    said = line('credentials: {"exchange": [') + f'  "{"x" * 3000}",\n  "hunter2"\n]}}\n'

    (record,) = records(said)

    assert "hunter2" not in record.text
    assert "hunter2" not in record.raw


def test_markup_stays_what_it_is_on_one_line() -> None:
    (record,) = records(line("<!channel> *bold*\u202e\x00\x07 <https://x|y>"))

    assert record.text == "BotCoordinator - ERROR - <!channel> *bold* <https://x|y>"
    assert all(each.text.isprintable() for each in looked(line("a\x0bb\x85c\u2028d timed out")))


# -- files


def test_logs_are_read_from_their_files(places: Places) -> None:
    (places.logs / "ndax.log").write_text(line("connection refused"))
    (places.logs / "ndax.log.1").write_text(line("out of memory"))
    (places.logs / "notes.txt").write_text(line("out of memory"))
    (places.logs / "current.log").symlink_to("ndax.log")

    found = logs.look(from_files(places))

    assert signs(found) == {**NOTHING, "logs.api": True}
    assert found[0].text.startswith("1 ERROR ")  # a log and a link to it are one
    assert {each.source for each in found} <= {"logs/ndax.log", "logs/current.log"}


def test_no_log_at_all_is_not_known_rather_than_well(places: Places) -> None:
    (finding,) = logs.look(from_files(places))
    assert (finding.verdict, finding.text) == (Verdict.UNKNOWN, "logs holds no file named *.log")
    assert not finding.signs

    (places.logs / "a.log").touch()
    (finding,) = logs.look(from_files(places))
    assert (finding.verdict, finding.text) == (Verdict.UNKNOWN, "The logs that were read hold no record")
    assert not finding.signs

    (places.logs / "a.log").unlink()
    places.logs.rmdir()
    (finding,) = logs.look(from_files(places))
    assert (finding.verdict, finding.text) == (Verdict.UNKNOWN, "logs is not there")

    (finding,) = logs.look(from_monitor([]))
    assert (finding.verdict, finding.text) == (Verdict.UNKNOWN, "GET /logs brought no line")


def test_a_directory_of_logs_that_became_a_link_out_is_not_read(places: Places) -> None:
    outside = places.home.parent / "outside"
    outside.mkdir()
    (outside / "a.log").write_text(line("connection refused"))
    places.logs.rmdir()
    places.logs.symlink_to(outside)

    (finding,) = logs.look(from_files(places))

    assert finding.text == "logs is a link that leads out of the fleet's home"


def test_hostile_files_are_told_and_the_others_are_read(places: Places) -> None:
    secret = places.home.parent / "secret.log"
    secret.write_text(line("out of memory"))
    (places.logs / "1-good.log").write_text(line("connection refused"))
    (places.logs / "2-link.log").symlink_to(secret)
    os.mkfifo(places.logs / "3-pipe.log")
    (places.logs / "4-dir.log").mkdir()
    (places.logs / "5-gzip.log").write_bytes(bytes(range(256)) * 100)
    (places.logs / "6-utf16.log").write_bytes(line("out of memory").encode("utf-16"))
    (places.logs / "7-zeros.log").write_bytes(bytes(1000))
    with bounded(mib=30, seconds=20):
        read = from_files(places)
        found = logs.look(read)

    assert signs(found) == {**NOTHING, "logs.api": True}
    assert dict(read.unread) == {
        "logs/2-link.log": "is a link that leads out of the fleet's home",
        "logs/3-pipe.log": "is no ordinary file",
        "logs/4-dir.log": "is no ordinary file",
        "logs/5-gzip.log": "is no text",
        "logs/6-utf16.log": "is no text",
        "logs/7-zeros.log": "is no text",
    }
    unknown = [each.text for each in found if each.verdict is Verdict.UNKNOWN]
    assert unknown == [*(f"{source} {why}" for source, why in read.unread[:5]), "1 more log was not read"]


def test_bytes_that_are_no_utf8_do_not_hide_a_line(places: Places) -> None:
    (places.logs / "a.log").write_bytes(b"\0" * 50 + line("caf\xe9 timed out").encode("latin-1"))

    found = logs.look(from_files(places))

    assert signs(found)["logs.api"] is True
    assert "caf� timed out" in found[1].text


def test_a_log_of_ten_gigabytes_is_read_from_its_end(places: Places) -> None:
    with (places.logs / "huge.log").open("wb") as file:
        file.truncate(10 * 1024**3)
        file.seek(0, os.SEEK_END)
        file.write(b"\n" + line("connection refused").encode())
    (places.logs / "empty.log").write_bytes(b"")
    os.truncate(places.logs / "empty.log", 10 * 1024**3)
    with bounded(mib=20, seconds=20):
        found = logs.look(from_files(places))

    assert signs(found) == {**NOTHING, "logs.api": True}
    told = [each.text for each in found]
    assert "Of logs/huge.log the end alone was read" in told
    assert "logs/empty.log holds no full line in its last 512 KiB" in told


def test_a_line_of_fifty_megabytes_is_cut(places: Places) -> None:
    endless = b"2026-11-24 00:51:36,248 - X - ERROR - " + b"timed out " * (5 * MIB)
    (places.logs / "open.log").write_bytes(endless)
    (places.logs / "closed.log").write_bytes(endless + b"\n" + line("out of memory").encode())
    (places.logs / "short.log").write_bytes(endless[:400_000])
    with bounded(mib=30, seconds=20):
        read = from_files(places)
        found = logs.look(read)

    assert signs(found) == {**NOTHING, "logs.memory": True, "logs.api": True}
    assert ("logs/open.log", "holds no full line in its last 512 KiB") in read.unread
    assert max(len(each.text) for each in read.records) == 2000


def test_much_is_read_in_bounded_time_and_memory_and_the_newest_first(places: Places) -> None:
    """Thirty logs of a megabyte, each line of them an error that no other line is like."""
    for log in range(30):
        text = "".join(
            line(f"order {chr(97 + log % 26)}{'abcdefghij'[i % 10] * (i % 40)} {i}") for i in range(14_000)
        )
        (places.logs / f"{log}.log").write_text(text)
        os.utime(places.logs / f"{log}.log", (1_000_000 + log, 1_000_000 + log))
    with bounded(mib=120, seconds=90):
        read = from_files(places)
        found = logs.look(read)

    assert set(read.sources) == {f"logs/{log}.log" for log in range(10, 30)}
    assert (read.older, len(read.ends)) == (10, 20)
    around = len(f"{DAY} 00:51:36,248 - \n")
    assert sum(len(each.raw) + around for each in read.records) <= MOST_BYTES
    assert "10 more logs, which changed before these, were not read" in [each.text for each in found]


def test_many_short_lines_are_bounded_too(places: Places) -> None:
    for log in range(16):
        (places.logs / f"{log}.log").write_bytes(b"x\n" * 250_000)
    with bounded(mib=200, seconds=90):
        read = from_files(places)
        logs.look(read)

    assert len(read.records) <= MOST_LINES


def test_where_not_all_was_searched_no_topic_is_called_absent() -> None:
    words = ("".join(chr(97 + (number // 26**place) % 26) for place in range(4)) for number in range(30_000))
    text = line("out of memory") + "".join(line(f"{'word ' * 10}{each} failed") for each in words)
    text += line("connection refused")

    found = looked(text)

    assert signs(found) == {"logs.tracebacks": False, "logs.api": True}
    assert any(each.text.startswith("There are too many different errors") for each in found)


@pytest.mark.parametrize(
    "hostile",
    [
        "://",
        "token",
        'token="',
        "bearer ",
        "token\\",
        "token ",
        "'",
        "level=",
        '{"level":[',
        "\x1b[",
        "a\x0b",
        "balance ",
    ],
)
def test_no_line_takes_long_to_read(hostile: str) -> None:
    body = hostile * (100_000 // len(hostile))
    with bounded(mib=60, seconds=30):
        looked(line(f"failed {body}") + body)


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_log_that_may_not_be_read_is_told(places: Places) -> None:
    (places.logs / "a.log").touch(mode=0)

    (finding,) = logs.look(from_files(places))

    assert finding.text == "logs/a.log cannot be read (Permission denied)"
