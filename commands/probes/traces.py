"""What the tracebacks in logs end in."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

HEAD = "Traceback (most recent call last)"
"""What Python begins a traceback with."""

_EARLY = 2000  # characters of a line in which Node's error stands
_FRAME = re.compile(r"[\s|+]*(File \"[^\"]{1,300}\", line \d{1,9}(?:, in \S{1,100})?)")
_RAISED = re.compile(r"[|\s]*([A-Za-z_][\w.]{0,100})(?::|\s*$)")
_NODE_FRAME = re.compile(r"\s+(at .{1,300}:\d{1,9}:\d{1,9}\)?)\s*$")
_NODE_RAISED = re.compile(r"\b((?:[A-Z]\w{0,60})?(?:Error|Exception))\b")


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """What a traceback ends in; ``frame`` is its last call, "" where it was not seen."""

    kind: str  # "ValueError"
    frame: str


def last_trace(lines: Sequence[str]) -> Trace | None:
    """What the last traceback in these lines ends in."""
    kind, frame, seen, inside = "", "", False, False
    for before, line in zip(("", *lines), lines, strict=False):
        if HEAD in line:
            kind, frame, seen, inside = "", "", True, True
        elif inside and (call := _FRAME.match(line)):
            frame = call[1]
        elif inside and line[:1] not in {" ", "+"} and (raised := _RAISED.match(line)):
            kind, inside = raised[1], False
        elif not seen and (call := _NODE_FRAME.match(line[:400])):
            found = _NODE_RAISED.search(before[:_EARLY])
            kind, frame, seen = found[1] if found else "", call[1], True
    return Trace(kind=kind or "an error that is not named", frame=frame) if seen else None
