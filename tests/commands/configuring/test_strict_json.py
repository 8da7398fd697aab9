"""A broken file is told with its place, and no bytes can do worse than be told."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.configuring.strict_json import parsed

NAME = "bot-limits.json"


@pytest.mark.parametrize(
    ("raw", "where", "words"),
    [
        (b"", "", "is empty"),
        (b" \r\n\t", "", "is empty"),
        (b"\xef\xbb\xbf{}", "1:1", "begins with a byte order mark"),
        (b'{"a": 1,}', "1:9", "at line 1, column 9: '}' stands right behind a comma"),
        (b'{"a": [1,\n  2,\n]}', "3:1", "at line 3, column 1: ']' stands right behind a comma"),
        (b'{"a": 1\n "b": 2}', "2:2", "'\"' stands where a comma or a closing bracket should stand"),
        (b'{"a" 1}', "1:6", "'1' stands where a colon should stand"),
        (b'{"a": }', "1:7", "'}' stands where a value should stand"),
        (b'{"a": 1', "1:8", "the file ends where a comma or a closing bracket should stand"),
        (b'{"a": "b', "1:7", "a text begins that no quote ends (here: '\"')"),
        (b'{"a": 1} x', "1:10", "'x' stands where the file should have ended"),
        (b'{"a": 1 // more\n}', "1:9", "a comment begins, and JSON has none"),
        (b"{\n  # more\n}", "2:3", "a comment begins, and JSON has none"),
        (b"{'a': 1}", "1:2", "a single quote stands, and JSON takes only double ones"),
        (
            b'{"a": "x\ny"}',
            "1:9",
            "may not hold a line break or another control character (here: the character U+000A",
        ),
        (b'{"a": "\\q"}', "1:8", "a text may not hold this backslash"),
        (b'{"a": \xe2\x80\xae1}', "1:7", "the character U+202E stands where a value should stand"),
        ('{"ключ": }'.encode(), "1:10", "column 10"),
        (b'{"a": "\xff"}', "1:8", "is no valid UTF-8 at byte 8 (0xFF), at line 1, column 8"),
        (b'{\n"\xc3\xa9": "\xe9"}', "2:7", "is no valid UTF-8 at byte 10 (0xE9), at line 2, column 7"),
        ("{}".encode("utf-16"), "1:1", "is no valid UTF-8 at byte 1 (0xFF)"),
        (b'{"a": {"b": 1, "c": 2, "b": 1}}', "a.b", "has the key a.b twice in one object"),
        (b'[{"x": {}}, {"x": {"y": 1, "y": 2}}]', "[1].x.y", "has the key [1].x.y twice"),
        (b'{"a": [1, NaN]}', "a[1]", "has NaN at a[1], which not every program reads as a number"),
        (b'{"a": -Infinity}', "a", "has -Infinity at a"),
        (b'{"a": 1e999}', "a", "has 1e999 at a"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a", "which not every program reads as a number"),
        (
            b"[" * 100_000 + b"]" * 100_000,
            "1:101",
            "is nested more than 100 levels deep at line 1, column 101",
        ),
        (b'{"a":' * 100_000, "1:501", "is nested more than 100 levels deep"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_what_is_broken_is_told_with_its_place(raw: bytes, where: str, words: str) -> None:
    read = parsed(NAME, raw)

    assert read.fault is not None
    assert read.data is None
    assert (read.fault.file, read.fault.where, read.fault.serious) == (NAME, where, True)
    assert words in read.fault.text
    assert read.fault.text.startswith(NAME)
    assert len(read.fault.text.splitlines()) == 1
    assert read.fault.text.isprintable()


@pytest.mark.parametrize("depth", [1, 99])
def test_what_is_sound_is_read(depth: int) -> None:
    raw = b'{"a":' * depth + b'"[[[\\"{{{"' + b"}" * depth
    read = parsed(NAME, raw)

    assert read.fault is None
    assert read.data == json.loads(raw)


def test_brackets_in_texts_are_no_nesting() -> None:
    assert parsed(NAME, json.dumps(["[" * 5000, '"[{' * 5000]).encode()).fault is None


@pytest.mark.parametrize(
    "raw",
    [
        b'"' * 1_000_000,
        b'\\"' * 500_000,
        b'"' + b'\\"' * 500_000,
        b"[1," * 300_000,
        b"{" + b'"a":1,' * 150_000,
    ],
)
def test_a_megabyte_of_nonsense_takes_no_time(raw: bytes) -> None:
    began = time.process_time()

    assert parsed(NAME, raw).fault is not None

    assert time.process_time() - began < 5  # it is some hundredths; a scan that goes back would take minutes


@given(
    st.binary(max_size=60) | st.text(alphabet="{}[]\":,\\ \n\t/#'0123e-+.tfn", max_size=60).map(str.encode)
)
def test_any_bytes_are_read_or_told(raw: bytes) -> None:
    read = parsed(NAME, raw)

    if read.fault is None:
        assert json.loads(raw) == read.data
    else:
        read.fault.text.encode("utf-8")
        assert len(read.fault.text.splitlines()) == 1
