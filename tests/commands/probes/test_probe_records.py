"""Records out of lines as programs write them, with what their tracebacks end in."""

import json

import pytest

from commands.coordinator.model import LogLine
from commands.probes.records import Record, from_monitor, level_named
from commands.probes.traces import Trace

DAY = "2026-11-24"
TRACEBACK = """\
Traceback (most recent call last):
  File "/srv/fleet/bots/ndax.py", line 12, in run
    self.trade()
  File "/srv/fleet/bots/ndax.py", line 40, in trade
    price = quotes[pair]
KeyError: 'BTC'
"""


def line(
    text: str, *, level: str = "ERROR", at: str = f"{DAY} 00:51:36,248", who: str = "BotCoordinator"
) -> str:
    return f"{at} - {who} - {level} - {text}\n"


def records(text: str) -> tuple[Record, ...]:
    """The records of these lines, which the monitor sends one by one."""
    return from_monitor([LogLine(file="a.log", line=each) for each in text.splitlines()]).records


@pytest.mark.parametrize(
    ("written", "level", "when"),
    [
        (f"{DAY} 00:51:36,248 - BotCoordinator - ERROR - text", "ERROR", f"{DAY} 00:51:36,248"),
        (f"{DAY}T00:51:36.248Z WARN [ndax] text", "WARNING", f"{DAY}T00:51:36.248Z"),
        (f"{DAY} 00:51:36 +0100 FATAL text", "CRITICAL", f"{DAY} 00:51:36 +0100"),
        (f"[{DAY} 00:51:36] [error] text", "ERROR", f"{DAY} 00:51:36"),
        ("2026/11/24 00:51:36 INFO ERROR rate is 0", "INFO", "2026/11/24 00:51:36"),
        ("Nov 24 00:51:36 host ndax[12]: ERROR text", "ERROR", "Nov 24 00:51:36"),
        ("00:51:36.2 | DEBUG | text", "DEBUG", "00:51:36.2"),
        ("ERROR:root:text", "ERROR", ""),
        ("ndax | CRITICAL | text", "CRITICAL", ""),
        ("level=warning msg=text", "WARNING", ""),
        (f"\x1b[31m{DAY} 00:51:36 ERROR\x1b[0m text", "ERROR", f"{DAY} 00:51:36"),
        (f"{DAY} 00:51:36 the text has no level", "", f"{DAY} 00:51:36"),
        ("RuntimeError: nothing begins here", "", ""),
        (
            '{"level": "error", "message": "text", "time": "2026-11-24T00:51:36Z"}',
            "ERROR",
            f"{DAY}T00:51:36Z",
        ),
        ('{"level": 40, "msg": "text", "time": 1795481496000}', "WARNING", f"{DAY} 00:51:36+00:00"),
        ('{"message": "of an exchange"}', "", ""),
        ('{"level": ' + "[" * 5000, "", ""),
    ],
)
def test_a_record_bears_its_level_and_its_time(written: str, level: str, when: str) -> None:
    (record,) = records(written)

    assert (record.level, record.when) == (level, when)
    assert not record.text.startswith((DAY, "\x1b"))


def test_lines_that_begin_no_record_belong_to_the_record_before() -> None:
    rest = TRACEBACK + '{"message": "the answer"}\nthe last word\n'
    found = records(line("failed") + rest + line("next", level="INFO"))

    assert [each.level for each in found] == ["ERROR", "INFO"]
    assert found[0].text.endswith('KeyError: \'BTC\' {"message": "the answer"} the last word')
    frame = 'File "/srv/fleet/bots/ndax.py", line 40, in trade'
    assert found[0].trace == Trace(kind="KeyError", frame=frame)


def test_the_lines_of_several_files_of_the_monitor_are_not_mixed() -> None:
    two = (("a.log", line("failed")), ("b.log", line("other")))
    tangled = [LogLine(file=file, line=text) for file, text in two]
    tangled += [LogLine(file="a.log", line=each) for each in TRACEBACK.splitlines()]

    found = {each.file: each for each in from_monitor(tangled).records}

    assert found["a.log"].trace is not None
    assert found["b.log"].trace is None
    assert {each.source for each in found.values()} == {"GET /logs"}


def test_tracebacks_without_any_shape_around_them_are_counted_one_by_one() -> None:
    text = "starting\n" + TRACEBACK + TRACEBACK.replace("KeyError: 'BTC'", "ValueError") + "restarting\n"

    assert [each.trace and each.trace.kind for each in records(text)] == [
        None,
        "KeyError",
        "ValueError",
        None,
    ]


def test_a_stack_of_node_is_a_traceback() -> None:
    text = "Error: connect ECONNREFUSED\n    at connect (node:net:1595:16)\n    at run (/srv/bot.js:3:1)\n"

    (record,) = records(text)

    assert record.trace == Trace(kind="Error", frame="at connect (node:net:1595:16)")


def test_a_traceback_in_a_json_record_is_seen() -> None:
    (record,) = records(json.dumps({"level": "ERROR", "message": "failed", "exc_info": TRACEBACK}))

    assert record.trace is not None
    assert record.trace.kind == "KeyError"
    assert record.text.startswith("failed Traceback")


def test_levels_are_known_in_any_case() -> None:
    assert [level_named(each) for each in ("warn", "Fatal", "ERROR", "loud")] == [
        "WARNING",
        "CRITICAL",
        "ERROR",
        None,
    ]
