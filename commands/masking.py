"""Secrets in any text or data, masked before they are shown, logged or kept."""

import re
from collections.abc import Mapping
from datetime import date

MASK = "***"

DEEPEST = 10
"""Levels of nesting that are looked into; what lies deeper is masked whole."""

_NAME = (
    r"(?:token|secret|passw(?:or)?d|passphrase|passcode|pwd|authori[sz]ation|response_?url|api_?key|private_?key"
    r"|signing_?key|mnemonic|access-sign|signature|credentials?|cookie|ticket)"
)
_SECRET_KEY = re.compile(_NAME, re.IGNORECASE)
_VALUE = "|".join(
    (
        r"[\[({][\s\S]*",  # nobody can tell from text alone how far this secret goes: all that follows
        r"b?\\*\"[^\"]*\"",
        r"b?\\*'[^']*'",
        r"(?:(?:basic|bearer)\s+)?[^\s,;&\"')\]}]+",
    )
)
_KEY = r"[a-z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----"
_PATTERNS = tuple(
    (re.compile(pattern, re.IGNORECASE), replacement)
    for pattern, replacement in (
        # a private key in PEM, to the end of the text where it is cut off; first, since the others would take its head
        # for a value and leave the rest
        (rf"-----BEGIN {_KEY}[\s\S]*?(?:-----END {_KEY}|\Z)", MASK),
        # Slack's tokens: xoxb-, xoxp-, xoxe.xoxp-, xapp-
        (r"(xox[a-z](?:\.xox[a-z])?|xapp)-[\w.+/=%-]+", rf"\1-{MASK}"),
        # keys of payment and model services, of GitHub and of AWS, by how they begin
        (r"\b((?:sk|pk|rk)[-_])[\w-]{16,}", rf"\1{MASK}"),
        (r"\b(gh[pousr]_|github_pat_)\w{16,}", rf"\1{MASK}"),
        (r"\b(AKIA)[A-Z0-9]{16}\b", rf"\1{MASK}"),
        # incoming webhooks and response URLs: whoever holds one can post with it
        (r"(https?://hooks\.slack(?:-gov)?\.com)/[^\s\"'<>)\]}\\]+", rf"\1/{MASK}"),
        # user:password@ in any URL, greedy because a password may hold an @, bounded so that it stays linear
        (r"(://)[^\s\"'<>]{1,300}@", rf"\1{MASK}@"),
        (r"\b(bearer)\s+[^\s\"',;)\]}\\]+", rf"\1 {MASK}"),
        # name=value and "name": "value" inside text, whatever the name begins with
        (rf"({_NAME}\\*[\"']?\s*[:=]\s*)(?:{_VALUE})", rf"\1{MASK}"),
    )
)


def masked(value: object, depth: int = 0) -> object:
    """The value with every secret in it masked; what is no plain data comes as its repr."""
    match value:
        case None | bool() | int() | float() | date():
            return value
        case str():
            return masked_text(value)
        case _ if depth >= DEEPEST:
            return MASK
        case Mapping():
            return {name_of(key): kept(key, each, depth) for key, each in value.items()}
        case list() | tuple() | set() | frozenset():
            return [masked(each, depth + 1) for each in value]
        case _:
            return masked_text(_shown(value))


def masked_text(text: str) -> str:
    """The text with every secret in it masked."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


def name_of(key: object) -> str:
    """A key as text, masked."""
    return masked_text(key if isinstance(key, str) else _shown(key))


def kept(key: object, value: object, depth: int) -> object:
    """The value of this key, masked; whole where the key names a secret."""
    secret = isinstance(key, str) and _SECRET_KEY.search(key) is not None
    if secret and value is not None and not isinstance(value, bool):
        return MASK
    return masked(value, depth + 1)


def _shown(value: object) -> str:
    if isinstance(value, bytes | bytearray | memoryview):
        return bytes(value).decode("utf-8", "replace")
    try:
        return repr(value)
    except Exception:  # noqa: BLE001 - an object that cannot be shown must not cost the line that tells of it
        return f"<{type(value).__name__} that cannot be shown>"
