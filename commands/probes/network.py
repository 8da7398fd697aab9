"""The addresses that the fleet needs, looked at from this host: each of them, and whether one or all are affected."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import datetime

from commands.apart import apart
from commands.masking import masked_text
from commands.probes.model import Finding, Verdict
from commands.probes.network_stages import EXPIRING, Limits, Look, Seen
from commands.words import listed
from config.settings import Endpoint

AT_ONCE = 8
"""Endpoints that are looked at side by side."""

_SUMMARY = "network"


async def look(
    endpoints: Sequence[Endpoint],
    *,
    now: Callable[[], datetime],
    verify: ssl.SSLContext | None = None,
    limits: Limits | None = None,
) -> tuple[Finding, ...]:
    """One finding for each endpoint in their order, and a last one that says whether one or all are affected."""
    if not endpoints:
        return (
            Finding(verdict=Verdict.UNKNOWN, text="no endpoints are configured", source="recovery.endpoints"),
        )
    # Reading the system's list of issuers takes tens of milliseconds.
    trust = verify if verify is not None else await apart(ssl.create_default_context)
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(endpoint: Endpoint) -> Seen:
        async with gate:
            return await Look(endpoint, trust=trust, limits=limits or Limits(), now=now).seen()

    seen = await asyncio.gather(*(one(each) for each in endpoints))
    return (*(each.finding for each in seen), _summary(seen, now()))


def _summary(seen: Sequence[Seen], now: datetime) -> Finding:
    """Whether one or all are affected, and the signs that only all of them together tell."""
    failing = [each.name for each in seen if each.finding.signs.get("network.failing")]
    signs = {"network.failing": bool(failing), "network.all-failing": len(failing) == len(seen)}
    secure = [each for each in seen if each.secure]
    ends = [each.expires for each in secure if each.expires is not None]
    if any(each - now < EXPIRING for each in ends):
        signs["network.tls-expiring"] = True
    elif secure and len(ends) == len(secure):  # one that was not seen may run out
        signs["network.tls-expiring"] = False
    many = len(seen)
    if not failing:
        text = "the one address is reached" if many == 1 else f"all {many} addresses are reached"
    elif len(failing) < many:
        text = f"{len(failing)} of {many} addresses fail: {listed(failing)}; the others are reached"
    elif many == 1:
        text = "the one address fails, so it may be its end or ours"
    else:
        text = f"all {many} addresses fail, which speaks for the network of this host"
    return Finding(
        verdict=Verdict.ILL if failing else Verdict.WELL,
        text=masked_text(text),
        source=_SUMMARY,
        signs=signs,
    )
