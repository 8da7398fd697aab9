"""What differs between two configurations, key by key, without a secret, and whether it loosens a limit."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from commands.configuring.keys import Keys, dotted, leaves, secret, shown
from commands.configuring.laxness import loosened, weight

MOST_CHANGES = 200


class Kind(StrEnum):
    """What became of a key."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"
    REST = "rest"  # more changes than are listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """One key that differs; ``where``, ``before`` and ``after`` are for people, masked and short.

    ``old`` and ``new`` are what the values weigh as a limit or a flag, ``None`` where they are neither or secret.
    """

    where: str  # "ndax_bot.max_daily_loss"
    kind: Kind
    before: str = ""
    after: str = ""
    count: int = 1
    keys: Keys = field(default=(), repr=False)
    old: bool | float | None = field(default=None, repr=False)
    new: bool | float | None = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """The change in one line."""
        match self.kind:
            case Kind.REST:
                return f"{self.count:,} more"
            case _ if secret(self.keys):
                return f"{self.where} {self.kind} (secret)"
            case Kind.ADDED:
                return f"{self.where} added: {self.after}"
            case Kind.REMOVED:
                return f"{self.where} removed, was {self.before}"
            case _:
                return f"{self.where} {self.before} → {self.after}"


def changes(before: object, after: object) -> tuple[Change, ...]:
    """Every key that differs, those that loosen a limit first; at most 200, then one that counts the rest."""
    old, new = _filled(dict(leaves(before)), dict(leaves(after)))
    found = [_change(keys, old, new) for keys in (*old, *(keys for keys in new if keys not in old))]
    differing = [each for each in found if each is not None]
    differing.sort(key=lambda each: laxer(each) is not True)  # stable: else in the order of the files
    listed = differing[:MOST_CHANGES]
    if len(differing) > MOST_CHANGES:
        listed.append(Change(where="", kind=Kind.REST, count=len(differing) - MOST_CHANGES))
    return tuple(listed)


def laxer(change: Change) -> bool | None:
    """True when the change loosens a limit or takes a guard away, False when it tightens, ``None`` when it is neither.

    Where nobody documents which way a limit is safe, every change of it counts as loosening.
    """
    return loosened(change.keys, change.old, change.new) if change.kind is not Kind.REST else None


def _filled(*both: dict[Keys, object]) -> list[dict[Keys, object]]:
    """The same without what is empty on one side and holds something on the other: what it holds tells of that."""
    above = [{keys[:end] for keys in each for end in range(len(keys))} for each in both]
    return [
        {keys: value for keys, value in each.items() if keys not in holding or not _empty(value)}
        for each, holding in zip(both, reversed(above), strict=True)
    ]


def _empty(value: object) -> bool:
    return isinstance(value, Mapping | list) and not value


def _change(keys: Keys, old: Mapping[Keys, object], new: Mapping[Keys, object]) -> Change | None:
    if keys in old and keys in new and _same(old[keys], new[keys]):
        return None
    kind = Kind.ADDED if keys not in old else Kind.REMOVED if keys not in new else Kind.CHANGED
    hidden = secret(keys)
    return Change(
        where=dotted(keys),
        kind=kind,
        before=shown(old[keys], keys) if keys in old else "",
        after=shown(new[keys], keys) if keys in new else "",
        keys=keys,
        old=None if hidden else weight(old.get(keys)),
        new=None if hidden else weight(new.get(keys)),
    )


def _same(one: object, other: object) -> bool:
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return isinstance(one, bool) == isinstance(other, bool) and one == other  # True == 1 in Python
