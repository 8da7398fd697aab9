"""Answers that are no answers: what other programs, full disks and half-finished releases send."""

import json
from collections.abc import Collection

_PAGE = b"<!doctype html><html><head><title>Welcome</title></head><body><h1>It works</h1></body></html>"


def damaged(kind: str, body: bytes, *, size: int) -> bytes:
    """The body as ``kind`` leaves it: html, truncated, types, or huge (``size`` bytes and a little)."""
    if kind == "html":
        return _PAGE
    if kind == "truncated":
        return body[: len(body) // 2]
    if kind == "types":
        return json.dumps(_retyped(json.loads(body))).encode()
    return body.rstrip(b"}") + b', "padding": "' + b"x" * size + b'"}'


def without(body: bytes, names: Collection[str]) -> bytes:
    """The body without these fields, wherever they stand; what is not JSON stays as it is."""
    try:
        value: object = json.loads(body)
    except ValueError:
        return body
    return json.dumps(_pruned(value, names)).encode()


def _retyped(value: object) -> object:
    if isinstance(value, dict):
        return {name: _retyped(each) for name, each in value.items()}
    if isinstance(value, bool):
        return "maybe"
    if isinstance(value, str):
        return 7
    if isinstance(value, list):
        return {"0": "nothing"}
    return ["many"]


def _pruned(value: object, names: Collection[str]) -> object:
    if isinstance(value, dict):
        return {name: _pruned(each, names) for name, each in value.items() if name not in names}
    if isinstance(value, list):
        return [_pruned(each, names) for each in value]
    return value
