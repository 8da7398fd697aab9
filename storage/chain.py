"""The hash chain of the audit, pure: what a row's hash is, and what was done to a chain of rows."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

GENESIS = "0" * 64
"""The hash before the first row."""

NEAR = 50
"""How many numbers away a row that was moved or renumbered is looked for at once."""

SEARCHES = 500
"""How many rows are looked for elsewhere at most, so that a wholly rewritten table takes linear time."""

MOST = 100
"""How many faults one report names; whoever sees a hundred needs no more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """One audit row exactly as stored: every text is the text that was hashed."""

    seq: int
    at: str
    actor: str
    event: str
    subject: str
    detail: str
    prev_hash: str
    hash: str

    def digest(self, seq: int | None = None) -> str:
        """The hash this row must carry if it is row ``seq`` (by default the number it has)."""
        told = [self.seq if seq is None else seq, self.at, self.actor, self.event, self.subject, self.detail]
        # repr: a database that lets numbers or bytes into a text column must yield a fault, not a crash
        text = json.dumps([*told, self.prev_hash], separators=(",", ":"), default=repr)
        return hashlib.sha256(text.encode("ascii")).hexdigest()


class FaultKind(StrEnum):
    """What was done to the record."""

    EDITED = "edited"
    REMOVED = "removed"
    INSERTED = "inserted"
    REORDERED = "reordered"
    HEAD = "head"  # the note of the newest row is missing


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that was done to the record; ``seq`` is the number of the (first) row concerned."""

    seq: int
    kind: FaultKind
    sentence: str


class _Faults:
    """Collects faults; neighbours of one kind become one."""

    def __init__(self) -> None:
        self._runs: list[tuple[FaultKind, int, int, str]] = []  # kind, first, last, reason
        self.full = False

    def add(self, kind: FaultKind, first: int, last: int, reason: str = "") -> None:
        if self._runs:
            before = self._runs[-1]
            if before[0] == kind and before[3] == reason and before[1] <= first <= before[2] + 1:
                self._runs[-1] = (kind, before[1], max(last, before[2]), reason)
                return
        if len(self._runs) >= MOST:
            self.full = True
            return
        self._runs.append((kind, first, last, reason))

    def inserted(self, first: int, last: int) -> None:
        """Rows found to be too many: that they were also judged as edited is then no news."""
        self._runs = [run for run in self._runs if not first <= run[1] <= last]
        self.add(FaultKind.INSERTED, first, last)

    def told(self) -> tuple[Fault, ...]:
        faults = [
            Fault(seq=first, kind=kind, sentence=_sentence(kind, first, last, reason))
            for kind, first, last, reason in self._runs
        ]
        if self.full:
            more = f"More faults follow; only the first {MOST} are named."
            faults.append(Fault(seq=faults[-1].seq, kind=faults[-1].kind, sentence=more))
        return tuple(faults)


def _sentence(kind: FaultKind, first: int, last: int, reason: str) -> str:
    if reason:
        return reason
    many = last > first
    which = f"Rows {first} to {last}" if many else f"Row {first}"
    was = "were" if many else "was"
    match kind:
        case FaultKind.EDITED:
            return f"{which} {was} edited after being written."
        case FaultKind.REMOVED:
            return f"{which} {was} removed."
        case _:
            return f"{which} {was} inserted: the chain goes on without {'them' if many else 'it'}."


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a check found: rows read, the newest row's number and hash, faults in the order of the rows."""

    count: int
    head: tuple[int, str]
    faults: tuple[Fault, ...]


class Walk:
    """One pass over all rows in the order of their numbers, in flat memory."""

    def __init__(self, *, seq_of: Callable[[str], int | None], expect: tuple[int, str] | None = None) -> None:
        self._seq_of = seq_of  # hash -> number of the row that carries it
        self._expect = expect
        self._expected_met = expect is None or expect[0] < 1
        self._faults = _Faults()
        self._searches = SEARCHES
        self._shift = 0  # added to a row's number it gives the number the row was written with
        self._last: Link | None = None
        self._last_is_sound = True

    def over(self, links: Iterable[Link], head: tuple[int, str] | None) -> Report:
        """The report on these rows; ``head`` is the chain's own note of its newest row."""
        count = 0
        for link, following in _with_next(links):
            count += 1
            self._compare_expected(link)
            self._step(link, following)
        self._end(head)
        newest = (self._last.seq, self._last.hash) if self._last else (0, GENESIS)
        return Report(count=count, head=newest, faults=self._faults.told())

    def _step(self, link: Link, following: Link | None) -> None:
        if link.seq < 1:
            self._faults.add(FaultKind.INSERTED, link.seq, link.seq)
            return
        next_seq = self._last.seq + 1 if self._last else 1
        gap = link.seq > next_seq
        if gap:
            self._faults.add(FaultKind.REMOVED, next_seq + self._shift, link.seq - 1 + self._shift)
        linked = link.prev_hash == (self._last.hash if self._last else GENESIS)
        place = link.seq + self._shift
        written = self._written_as(link, place, linked=linked)
        if written is None:
            self._faults.add(FaultKind.EDITED, link.seq, link.seq)
        elif written != place:
            self._displaced(link, following, place, written)
        elif not (linked or gap) and self._last_is_sound:
            self._unlinked(link)
        self._last_is_sound = written == link.seq + self._shift
        self._last = link

    def _written_as(self, link: Link, place: int, *, linked: bool) -> int | None:
        """The number this content was hashed with; ``None`` when no number fits, so that it was edited."""
        if link.digest(place) == link.hash:
            return place
        if (linked and self._last_is_sound) or self._searches == 0:
            return None  # it follows the row before it: it stands where it stood
        self._searches -= 1
        for distance in range(1, NEAR + 1):
            for seq in (place + distance, place - distance):
                if link.digest(seq) == link.hash:
                    return seq
        if linked:
            return None
        before = 0 if link.prev_hash == GENESIS else self._seq_of(link.prev_hash)
        return before + 1 if before is not None and link.digest(before + 1) == link.hash else None

    def _displaced(self, link: Link, following: Link | None, place: int, written: int) -> None:
        if following is None or following.digest(written + 1) != following.hash:
            sentence = f"Row {link.seq} holds what was written as row {written}: rows were reordered."
            self._faults.add(FaultKind.REORDERED, link.seq, link.seq, sentence)
            return
        # the rows from here on were renumbered together, over a hole or to make room
        self._shift = written - link.seq
        if written > place:
            self._faults.add(FaultKind.REMOVED, place, written - 1)
        else:
            self._faults.inserted(link.seq - (place - written), link.seq - 1)

    def _unlinked(self, link: Link) -> None:
        if self._last is None:
            self._faults.add(FaultKind.EDITED, link.seq, link.seq)
            return
        sentence = (
            f"Row {self._last.seq} does not carry the hash that row {link.seq} noted for it: "
            "one of the two was edited and given a new hash."
        )
        self._faults.add(FaultKind.EDITED, self._last.seq, self._last.seq, sentence)

    def _compare_expected(self, link: Link) -> None:
        if self._expect is None or link.seq != self._expect[0]:
            return
        self._expected_met = True
        if not link.hash.startswith(self._expect[1]):  # a card shows its first digits
            sentence = (
                f"Row {link.seq} no longer has the hash that was posted: it or a row before it was changed."
            )
            self._faults.add(FaultKind.EDITED, link.seq, link.seq, sentence)

    def _end(self, head: tuple[int, str] | None) -> None:
        newest = self._last.seq + self._shift if self._last else 0
        if not self._expected_met and self._expect is not None:
            seq = self._expect[0]
            sentence = f"Row {seq}, whose hash was posted, is not there: the rows up to it were removed."
            self._faults.add(FaultKind.REMOVED, seq, seq, sentence)
        if head is None:
            sentence = (
                f"The note of the newest row is missing: rows after row {newest} may have been removed."
            )
            self._faults.add(FaultKind.HEAD, newest, newest, sentence)
        elif head[0] > newest:
            self._faults.add(FaultKind.REMOVED, newest + 1, head[0])
        elif head[0] < newest:
            self._faults.add(FaultKind.INSERTED, head[0] + 1, newest)
        elif head[1] != (self._last.hash if self._last else GENESIS) and self._last_is_sound:
            sentence = (
                f"Row {newest} does not carry the hash noted for it: it was edited and given a new hash."
            )
            self._faults.add(FaultKind.EDITED, newest, newest, sentence)


def _with_next(links: Iterable[Link]) -> Iterator[tuple[Link, Link | None]]:
    ahead = iter(links)
    link = next(ahead, None)
    while link is not None:
        following = next(ahead, None)
        yield link, following
        link = following
