"""What one value of a configuration may be, by the name of its key."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from ipaddress import ip_address
from urllib.parse import urlsplit

from commands.configuring.keys import Keys, dotted, plain, secret, shown, snake
from commands.configuring.strict_json import Fault
from commands.words import cut

TOTAL_LOSS, TOTAL_EXPOSURE, EMERGENCY = "total_max_daily_loss", "total_max_exposure", "emergency_stop_loss"
LOSS = frozenset(
    {
        "max_daily_loss",
        "daily_loss_limit",
        "daily_max_loss",
        "max_loss_per_day",
        "max_loss_daily",
        "daily_loss",
    }
)
EXPOSURE = frozenset({"max_exposure", "exposure_limit", "max_total_exposure", "maximum_exposure", "exposure"})
_NUMBERS = (
    LOSS
    | EXPOSURE
    | {
        TOTAL_LOSS,
        TOTAL_EXPOSURE,
        EMERGENCY,
        "consecutive_loss_limit",
        "account_equity_threshold",
        "max_position_size",
        "max_leverage",
        "max_daily_trades",
        "max_concurrent_positions",
        "cooldown_period_minutes",
        "timeout_seconds",
        "failure_threshold",
        "success_threshold",
    }
)
_LIKELY_NUMBER = re.compile(
    r"^(?!.*(enable|require|allow|notif|send|^use_|^is_|^auto))"
    r".*(loss|exposure|limit|threshold|timeout|leverage|cooldown|percent|percentage|pct"
    r"|seconds|minutes|hours|retries|attempts)$"
)
_PERCENT = re.compile(r"(^|_)(percent|percentage|pct)(_|$)|^account_equity_threshold$")
_BOOLEAN = re.compile(
    r"(^|_)enabled$|^(enable|require|requires)_|_(required|allowed)$|^(auto_recovery|manual_approval)$"
    r"|^(dry_run|paper_mode|paper_trading|sandbox)$"
)
_BOOLEAN_WORDS = frozenset({"true", "false", "yes", "no", "on", "off", "0", "1"})
_ADDRESS = re.compile(r"(http|ws|ftp)://", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaf:
    """One value of a file, and the way to it."""

    file: str
    keys: Keys
    value: object

    @property
    def name(self) -> str:
        """The last key, in one spelling."""
        return snake(self.keys[-1]) if self.keys else ""

    @property
    def number(self) -> float | None:
        """The number it is, ``None`` for anything else; true and false are none."""
        known = isinstance(self.value, int | float) and not isinstance(self.value, bool)
        return self.value if known else None  # type: ignore[return-value]  # known to be one

    def fault(self, text: str, *, serious: bool) -> Fault:
        """What is wrong with it; ``text`` is a predicate."""
        where = dotted(self.keys)
        return Fault(file=self.file, where=where, text=f"{where} {text}", serious=serious)


def mistyped(leaf: Leaf) -> Iterator[Fault]:
    """What is wrong with the kind of a value: a text for a number, or for true or false."""
    value, name = leaf.value, leaf.name
    known = name in _NUMBERS
    if (known or _LIKELY_NUMBER.search(name)) and leaf.number is None:
        yield leaf.fault(f"is {shown(value, leaf.keys)} where a number is meant", serious=known)
    elif _BOOLEAN.search(name) and not isinstance(value, bool):
        if isinstance(value, str) and value.strip().lower() in _BOOLEAN_WORDS:
            said = f"is the text {shown(value, leaf.keys)}, which most programs take for true"
            yield leaf.fault(f"{said}: write true or false without quotes", serious=True)
        else:
            yield leaf.fault(f"is {shown(value, leaf.keys)} where true or false is meant", serious=False)


def implausible(leaf: Leaf) -> Iterator[Fault]:
    """What is wrong with a value of the right kind: a number out of bounds, or an address without TLS."""
    number, name, known = leaf.number, leaf.name, leaf.name in _NUMBERS
    if isinstance(leaf.value, str | list):
        yield from _addresses(leaf)
    if number is None or secret(leaf.keys):
        return
    if number < 0 and (known or _LIKELY_NUMBER.search(name)):
        yield leaf.fault(f"is {figure(number)}, and less than zero means nothing here", serious=known)
    elif number > 100 and _PERCENT.search(name):
        yield leaf.fault(f"is {figure(number)}, and a share is at most 100 per cent", serious=True)
    elif number == 0 and "timeout" in name:
        yield leaf.fault("is zero, which many programs take for no timeout at all", serious=True)
    elif number == 0 and name.endswith("threshold"):
        yield leaf.fault("is zero, so it is reached always or never", serious=known)
    elif number == 0 and name.startswith("cooldown"):
        yield leaf.fault("is zero, so nothing holds back a release after a kill", serious=True)


def _addresses(leaf: Leaf) -> Iterator[Fault]:
    for each in leaf.value if isinstance(leaf.value, list) else (leaf.value,):
        address = each.strip() if isinstance(each, str) else ""
        found = _ADDRESS.match(address)
        if found is None:
            continue
        try:
            host = urlsplit(address).hostname or ""
        except ValueError:
            host = ""
        inside = _inside(host)
        if inside is None:
            continue
        who = f" to {cut(plain(host), 60)}" if host else ""
        text = f"is {found[1].lower()}{who} and no https, so what comes back can be forged"
        yield leaf.fault(text, serious=not inside)


def _inside(host: str) -> bool | None:
    """Whether that host is in the own network; ``None`` for this very machine."""
    name = host.lower().rstrip(".")
    if name == "localhost" or name.endswith(".localhost"):
        return None
    try:
        address = ip_address(name)
    except ValueError:
        return name != "" and ("." not in name or name.endswith((".local", ".internal", ".lan")))
    return None if address.is_loopback else address.is_private


def figure(number: float | None) -> str:
    """A number as people write it."""
    return f"{number:,.10g}" if number is not None else "unknown"
