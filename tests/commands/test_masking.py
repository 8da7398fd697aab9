"""Secrets in any text: masked whole, what stands around them left as it is, and at little cost."""

import time

import pytest

from commands.masking import masked_text


@pytest.mark.parametrize("kind", ["", "RSA ", "EC ", "OPENSSH ", "ENCRYPTED "])
@pytest.mark.parametrize("end", ["\n", "\r\n", r"\n", r"\\n", " "])
def test_a_private_key_is_masked_and_no_more_than_it(kind: str, end: str) -> None:
    body = end.join(("Proc-Type: 4,ENCRYPTED", "", "MIIEvQIBADANBgkq/+==", "hkiG9w0BAQEFAASC"))
    key = f"-----BEGIN {kind}PRIVATE KEY-----{end}{body}{end}-----END {kind}PRIVATE KEY-----"
    assert masked_text(f"read {key}{end}and {key}, then went on") == f"read ***{end}and ***, then went on"
    assert masked_text(f'{{"token": "{key}", "n": 1}}') == '{"token": ***, "n": 1}'
    assert masked_text(f"SECRET={key} and went on") == "SECRET=*** and went on"


def test_a_private_key_that_is_cut_off_takes_all_that_follows() -> None:
    key = "-----BEGIN PGP PRIVATE KEY BLOCK-----\nlQOYBF\n-----END CERTIFICATE-----\nAB=\n-----END PGP PRIV"
    assert masked_text(f"read {key}") == "read ***"


def test_what_is_public_stays_as_it_is() -> None:
    for kind in ("CERTIFICATE", "PUBLIC KEY"):
        text = f"-----BEGIN {kind}-----\nMIIB\n-----END {kind}-----\n"
        assert masked_text(text) == text


@pytest.mark.parametrize(
    "piece",
    [
        *("a.", "a-", "://", "token", "bearer ", "x@", "xoxb", "'", "\\", "token=["),
        *("-", "-----BEGIN ", "-----BEGIN A PRIVATE KEY", "-----BEGIN PRIVATE KEY-----", "-----END "),
        "-----BEGIN PRIVATE KEY----------END PRIVATE KEY-----",
    ],
)
def test_hostile_text_costs_little_time(piece: str) -> None:
    text = piece * (50_000 // len(piece))
    started = time.process_time()
    masked_text(text)
    assert time.process_time() - started < 2.0


@pytest.mark.parametrize(
    "text",
    [
        "passphrase=hunter2",
        "private_key: hunter2",
        "OK-ACCESS-SIGN: hunter2",
        "signature=hunter2&x=1",
        '{"mnemonic": "hunter2"}',
    ],
)
def test_what_signs_or_opens_is_masked_by_its_name(text: str) -> None:
    assert "hunter2" not in masked_text(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("the key sk-live-abcdef1234567890 ran out", "the key sk-*** ran out"),
        ("sk_live_abcdef1234567890", "sk_***"),
        ("ghp_abcdefghijklmnop1234 was used", "ghp_*** was used"),
        ("AKIAABCDEFGHIJKLMNOP", "AKIA***"),
        ("the task-force of risk-management-and-control", "the task-force of risk-management-and-control"),
    ],
)
def test_a_key_that_tells_by_its_beginning_what_it_is_is_masked(text: str, shown: str) -> None:
    assert masked_text(text) == shown
