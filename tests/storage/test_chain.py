"""The chain: whatever one does to it by hand is found and named, and an honest chain has no fault."""

from collections.abc import Callable
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from storage.chain import GENESIS, MOST, FaultKind, Link, Report, Walk

EDITED, REMOVED, INSERTED, REORDERED = (
    FaultKind.EDITED,
    FaultKind.REMOVED,
    FaultKind.INSERTED,
    FaultKind.REORDERED,
)  # fmt: skip - four short names


def forged(seq: int, prev_hash: str, text: str = "forged") -> Link:
    link = Link(
        seq=seq,
        at="2026-11-24T03:12:00.000000+00:00",
        actor="U1",
        event="kill",
        subject=text,
        detail="{}",
        prev_hash=prev_hash,
        hash="",
    )  # fmt: skip - one row
    return replace(link, hash=link.digest())


def chain(length: int) -> list[Link]:
    links: list[Link] = []
    for seq in range(1, length + 1):
        links.append(forged(seq, links[-1].hash if links else GENESIS, f"kill-{seq}"))
    return links


def walked(
    links: list[Link], *, noted: tuple[int, str] | None, expect: tuple[int, str] | None = None
) -> Report:
    def seq_of(digest: str) -> int | None:
        return next((link.seq for link in links if link.hash == digest), None)

    return Walk(seq_of=seq_of, expect=expect).over(iter(links), noted)


def judged(honest: list[Link], tampered: list[Link]) -> list[tuple[FaultKind, int]]:
    head = (honest[-1].seq, honest[-1].hash) if honest else (0, GENESIS)
    return [(fault.kind, fault.seq) for fault in walked(tampered, noted=head).faults]


def renumbered(links: list[Link], first: int) -> list[Link]:
    return [replace(link, seq=seq) for seq, link in enumerate(links, first)]


LENGTHS = st.integers(1, 40)
TEXT = st.text(max_size=20)


@given(LENGTHS, st.data())
def test_an_honest_chain_has_no_fault_and_any_posted_head_still_holds(
    length: int, data: st.DataObject
) -> None:
    links = chain(length)
    posted = data.draw(st.sampled_from(links))
    report = walked(links, noted=(length, links[-1].hash), expect=(posted.seq, posted.hash))
    assert report == Report(count=length, head=(length, links[-1].hash), faults=())
    assert walked([], noted=(0, GENESIS), expect=(0, GENESIS)).faults == ()


@given(
    LENGTHS,
    st.data(),
    st.sampled_from(["at", "actor", "event", "subject", "detail", "prev_hash", "hash"]),
    TEXT,
)
def test_an_edited_row_is_the_one_fault(length: int, data: st.DataObject, column: str, text: str) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 1))
    tampered = [*links]
    tampered[index] = replace(links[index], **{column: text + "!"})
    assert judged(links, tampered) == [(EDITED, index + 1)]


@given(LENGTHS, st.data())
def test_an_edited_row_with_a_new_hash_is_named(length: int, data: st.DataObject) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 1))
    tampered = [*links]
    tampered[index] = forged(index + 1, links[index].prev_hash)
    assert judged(links, tampered) == [(EDITED, index + 1)]


@given(LENGTHS, st.data())
def test_removed_rows_are_one_fault_with_the_first_of_their_numbers(length: int, data: st.DataObject) -> None:
    links = chain(length)
    first = data.draw(st.integers(0, length - 1))
    last = data.draw(st.integers(first, length - 1))
    assert judged(links, links[:first] + links[last + 1 :]) == [(REMOVED, first + 1)]


@given(st.integers(4, 40), st.data())
def test_removed_rows_are_named_though_the_rest_was_renumbered(length: int, data: st.DataObject) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 3))
    tampered = links[:index] + renumbered(links[index + 1 :], index + 1)
    assert judged(links, tampered) == [(REMOVED, index + 1)]


@given(st.integers(3, 40), st.data(), st.booleans())
def test_an_inserted_row_is_named(length: int, data: st.DataObject, with_its_hash: bool) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 2))
    new = forged(index + 1, links[index - 1].hash if index else GENESIS)
    if not with_its_hash:
        new = replace(new, hash="f" * 64)
    tampered = [*links[:index], new, *renumbered(links[index:], index + 2)]
    assert judged(links, tampered) == [(INSERTED, index + 1)]


@given(LENGTHS, st.integers(1, 3))
def test_rows_added_behind_the_newest_are_inserted(length: int, more: int) -> None:
    links = chain(length)
    tampered = [*links]
    for _ in range(more):
        tampered.append(forged(tampered[-1].seq + 1, tampered[-1].hash))
    assert judged(links, tampered) == [(INSERTED, length + 1)]
    assert judged(links, [forged(0, GENESIS), *links]) == [(INSERTED, 0)]


@given(st.integers(2, 150), st.data())
def test_two_rows_that_changed_places_are_both_named(length: int, data: st.DataObject) -> None:
    links = chain(length)
    one = data.draw(st.integers(0, length - 2))
    two = data.draw(st.integers(one + 1, length - 1))
    tampered = [*links]
    tampered[one], tampered[two] = replace(links[two], seq=one + 1), replace(links[one], seq=two + 1)
    assert judged(links, tampered) == [(REORDERED, one + 1), (REORDERED, two + 1)]


@given(st.integers(2, 40), st.data())
def test_what_was_rewritten_with_its_note_shows_against_a_posted_head(
    length: int, data: st.DataObject
) -> None:
    links = chain(length)
    index = data.draw(st.integers(0, length - 1))
    rewritten = links[:index]
    for seq in range(index + 1, length + 1):
        rewritten.append(forged(seq, rewritten[-1].hash if rewritten else GENESIS))
    noted = (length, rewritten[-1].hash)
    posted = links[data.draw(st.integers(index, length - 1))]
    assert walked(rewritten, noted=noted).faults == ()
    [fault] = walked(rewritten, noted=noted, expect=(posted.seq, posted.hash)).faults
    assert (fault.kind, fault.seq) == (EDITED, posted.seq)
    assert f"Row {posted.seq} no longer has the hash that was posted" in fault.sentence
    shorter = (index, links[index - 1].hash if index else GENESIS)
    [fault] = walked(links[:index], noted=shorter, expect=(length, links[-1].hash)).faults
    assert (fault.kind, fault.seq) == (REMOVED, length)


@given(
    st.integers(1, 30),
    st.lists(st.sampled_from(["edit", "drop", "swap", "double"]), min_size=1, max_size=4),
    st.data(),
)
def test_nothing_one_does_is_missed_or_breaks_the_check(
    length: int, deeds: list[str], data: st.DataObject
) -> None:
    links = chain(length)
    rows = [*links]
    for deed in deeds:
        if not rows:
            break
        index = data.draw(st.integers(0, len(rows) - 1))
        match deed:
            case "edit":
                rows[index] = replace(rows[index], subject=rows[index].subject + "?")
            case "drop":
                del rows[index]
            case "swap":
                rows[index], rows[0] = rows[0], rows[index]
            case _:
                rows.insert(index, rows[index])
    rows = renumbered(rows, 1)
    assert bool(judged(links, rows)) == (rows != links)


def test_a_wholly_rewritten_table_is_a_short_report() -> None:
    links = chain(3000)
    edited: Callable[[Link], Link] = lambda link: replace(link, actor="U9")  # noqa: E731 - two short deeds
    unlinked: Callable[[Link], Link] = lambda link: replace(link, prev_hash="0" * 64)  # noqa: E731 - likewise
    for deed, first in ((edited, 1), (unlinked, 2)):  # the first row's link is made of zeros anyway
        [fault] = walked([deed(link) for link in links], noted=(3000, links[-1].hash)).faults
        assert fault.sentence == f"Rows {first} to 3000 were edited after being written."
    every_second = [edited(link) if link.seq % 2 else link for link in links]
    faults = walked(every_second, noted=(3000, links[-1].hash)).faults
    assert len(faults) == MOST + 1
    assert "More faults" in faults[-1].sentence


def test_a_missing_note_of_the_newest_row_is_a_fault() -> None:
    [fault] = walked(chain(3), noted=None).faults
    assert (fault.kind, fault.seq) == (FaultKind.HEAD, 3)


def test_sentences_name_the_rows() -> None:
    links = chain(9)
    head = (9, links[-1].hash)
    [fault] = walked(links[:2] + links[5:], noted=head).faults
    assert fault.sentence == "Rows 3 to 5 were removed."
    [fault] = walked(links[:8], noted=head).faults
    assert fault.sentence == "Row 9 was removed."
