"""Answers /evidence: one archive on this host, its hash told to everybody and kept in the audit."""

import json
from collections.abc import Callable, Sequence
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from chatbot.steps import Owing, owe
from chatbot.views import configuration as view
from chatbot.views.blocks import Message
from chatbot.walking.desk import WalkDesk
from chatbot.walking.probing import Prober
from commands.apart import apart
from commands.archiving.archive import Packed, Part, pack
from commands.coordinator.errors import CoordinatorError
from commands.coordinator.monitor import Monitor
from commands.masking import masked
from commands.probes.model import Report
from commands.spec import Request
from storage import actions, alerts, audit, evidence, recoveries, walks, windows
from storage.evidence import EvidenceRow

AUDIT_ROWS = 5000
LOOK_BACK = timedelta(hours=48)
RAISES_SHOWN = 30
MOST_ALERTS = 1000


class Evidencing:
    """Takes evidence; changes nothing else."""

    def __init__(self, *, desk: WalkDesk, monitor: Monitor | None, prober: Prober) -> None:
        self._desk = desk
        self._monitor = monitor
        self._prober = prober

    async def take(self, request: Request, *, by: str, key: str) -> Message:
        """Take it once for each request, and say where it lies and what its hash is."""
        desk = self._desk.desk
        before = await desk.ask(lambda conn: evidence.by_key(conn, key))
        if before is not None:
            return view.evidence_taken(before, desk.ops)
        at = desk.now()
        parts = await self._parts(at)
        packed = await apart(
            pack,
            Path(self._desk.settings.evidence),
            number=at.strftime("%f"),
            at=at,
            parts=parts,
            places=self._desk.places,
            by=by,
        )
        row = await desk.change(lambda conn: _keep(conn, self._desk, packed, by=by, key=key, at=at))
        return view.evidence_taken(row, desk.ops)

    async def _parts(self, at: datetime) -> tuple[Part, ...]:
        """What is known at this moment; what could not be read says so in its own file."""
        desk = self._desk.desk
        reports = await self._prober.look(bot=None)
        monitor = self._monitor
        return (
            await _part("status.json", desk.coordinator.status),
            await _part("health.json", desk.coordinator.health),
            *(
                (await _part("alerts.json", monitor.alerts), await _part("metrics.json", monitor.metrics))
                if monitor is not None
                else ()
            ),
            Part(name="findings.json", content=_json([_report(each) for each in reports])),
            *await desk.ask(lambda conn: _record(conn, at)),
        )


async def _part(name: str, read: Callable[[], Any]) -> Part:
    try:
        return Part(name=name, content=_json(await read()))
    except CoordinatorError as error:
        return Part(name=name, content=_json({"not read": str(error)}))


def _record(conn: Connection, at: datetime) -> tuple[Part, ...]:
    """Our own record: the audit's newest rows, actions, alerts, windows, recoveries."""
    since = at - LOOK_BACK
    done = actions.recent(conn, 500)
    raised = [each for each in done if each.command not in actions.STOPS][:RAISES_SHOWN]
    rows = audit.recent(conn, AUDIT_ROWS)
    return (
        Part(name="audit.jsonl", content=b"".join(_json(each, indent=None) + b"\n" for each in rows)),
        Part(name="actions.json", content=_json(done)),
        Part(name="raised.json", content=_json(raised)),
        Part(name="our-alerts.json", content=_json(alerts.begun_since(conn, since, MOST_ALERTS))),
        Part(name="windows.json", content=_json(windows.since(conn, since))),
        Part(name="recoveries.json", content=_json([*walks.standing(conn), *recoveries.every(conn)[-20:]])),
    )


def _keep(
    conn: Connection, desk: WalkDesk, packed: Packed, *, by: str, key: str, at: datetime
) -> EvidenceRow:
    row = evidence.keep(
        conn,
        EvidenceRow(
            at=at,
            by=by,
            key=key,
            path=str(packed.path),
            sha256=packed.sha256,
            size=packed.size,
            members=packed.members,
        ),
    )
    audit.append(
        conn,
        at=at,
        actor=by,
        event="evidence taken",
        subject=f"evidence {row.id}",
        detail={"sha256": row.sha256, "size": row.size, "path": row.path, "left_out": list(packed.left_out)},
    )
    told = view.evidence(row, packed.left_out).payload()
    owe(conn, (Owing(key=f"evidence/{row.id}", channel=desk.desk.ops, payload=told, priority=4),), at)
    return row


def _report(report: Report) -> dict[str, Any]:
    return {
        "probe": report.probe,
        "at": report.at.isoformat(),
        "findings": [
            {"verdict": each.verdict.value, "text": each.text, "source": each.source}
            for each in report.findings
        ],
    }


def _json(value: object, indent: int | None = 1) -> bytes:
    return json.dumps(masked(_plain(value)), indent=indent, ensure_ascii=False, default=str).encode()


def _plain(value: object) -> object:
    """Rows and answers as plain data, so that their secrets can be masked by name."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [_plain(each) for each in value]
    return value
