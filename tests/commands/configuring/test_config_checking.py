"""A contradiction is told with its keys, and no content can do worse than be told."""

import json
import os
from collections.abc import Mapping
from copy import deepcopy
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commands.configuring.checking import EXPECTED, MOST_FAULTS, checked
from commands.configuring.keeping import back_up
from commands.configuring.strict_json import Fault, Parsed, parsed
from commands.masking import masked_text
from commands.probes.config import look
from commands.probes.files import places
from commands.probes.model import Finding, Places, Verdict
from commands.probes.signs import SIGNS
from tests.hostile import NASTY

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
NAME = "bot-limits.json"
SECRET = "9f86d081884c7d659a2feaa0c55ad015"

SOUND: Mapping[str, Any] = {
    "bot-limits.json": {
        "ndax_bot": {"max_daily_loss": 90, "max_exposure": 4000, "max_leverage": 1},
        "quantum_bot": {"max_daily_loss": 140, "max_exposure": 5000, "stop_loss_percentage": 4},
        "shadowforge_bot": {"max_daily_loss": 170, "max_exposure": 6000},
        "global_limits": {
            "total_max_daily_loss": 400,
            "total_max_exposure": 15000,
            "emergency_stop_loss": 1000,
            "consecutive_loss_limit": 5,
            "account_equity_threshold": 0.3,
        },
    },
    "kill-switch.json": {
        "enabled": True,
        "conditions": {
            "max_daily_loss_reached": {"enabled": True, "threshold": 400, "action": "stop_all_bots"},
            "circuit_breaker": {"enabled": True, "threshold": 3, "cooldown_minutes": 60},
        },
        "recovery": {
            "auto_recovery_enabled": False,
            "manual_approval_required": True,
            "cooldown_period_minutes": 60,
        },
    },
    "recovery-settings.json": {
        "auto_recovery": {"enabled": False, "max_attempts": 3, "backoff_strategy": "exponential"},
        "safe_mode": {"reduced_position_sizes": 0.5, "duration_minutes": 120},
    },
    "api-endpoints.json": {
        "ndax_bot": {"base_url": "http://localhost:9000", "health_endpoint": "/health"},
        "external_apis": {
            "market_data": {"primary": "https://one.example.test", "backup": "https://two.example.test"}
        },
        "health_check_config": {"timeout_seconds": 5, "failure_threshold": 3, "success_threshold": 2},
    },
    "notification-config.json": {
        "channels": {"slack": {"enabled": False, "webhook_url": "from the environment"}},
        "alert_types": {"loss_limit_reached": {"channels": ["email"], "message_template": "Loss {amount}"}},
        "rate_limiting": {"enabled": True, "max_per_minute": 10},
    },
}


# -- checks


def check(file: str | None = None, path: str = "", value: object = None) -> list[Fault]:
    """The faults of a sound configuration in which one value became another, or was taken out for ``...``."""
    data = deepcopy(dict(SOUND))
    if file is not None:
        *above, last = path.split(".")
        inner = data[file]
        for name in above:
            inner = inner.setdefault(name, {})
        if value is ...:
            del inner[last]
        else:
            inner[last] = value
    return list(checked({name: parsed(name, json.dumps(each).encode()) for name, each in data.items()}))


def test_a_sound_configuration_has_no_fault() -> None:
    assert check() == []


LIMITS, SWITCH, RECOVERY, API, NOTIFICATIONS = EXPECTED


@pytest.mark.parametrize(
    ("file", "path", "value", "serious", "words"),
    [
        # kinds of values
        (LIMITS, "ndax_bot.max_daily_loss", "90", True, 'is "90" where a number is meant'),
        (LIMITS, "ndax_bot.maxLeverage", True, True, "is true where a number is meant"),
        (LIMITS, "global_limits.total_max_exposure", None, True, "is null where a number is meant"),
        (LIMITS, "ndax_bot.max_daily_loss", -90, True, "is -90, and less than zero means nothing here"),
        (LIMITS, "ndax_bot.trailing_loss", "some", False, 'is "some" where a number is meant'),
        (LIMITS, "ndax_bot.stop_loss_percentage", 500, True, "is 500, and a share is at most 100 per cent"),
        (LIMITS, "global_limits.account_equity_threshold", 300, True, "is 300, and a share"),
        (SWITCH, "enabled", "false", True, 'is the text "false", which most programs take for true'),
        (SWITCH, "recovery.manual_approval_required", 1, False, "is 1 where true or false is meant"),
        # between them
        (LIMITS, "ndax_bot.max_daily_loss", 91, False, "is 400, less than the 401 that the daily limits of 3 bots"),
        (LIMITS, "ndax_bot.maxDailyLoss", 100, False, None),
        (LIMITS, "ndax_bot.max_daily_loss", 401, True, "is 401, more than total_max_daily_loss (400)"),
        (LIMITS, "shadowforge_bot.max_exposure", 15001, True, "is 15,001, more than total_max_exposure (15,000)"),
        (LIMITS, "bots.other.daily_loss_limit", 900, True, "is 900, more than total_max_daily_loss"),
        (LIMITS, "global_limits.emergency_stop_loss", 399, False,
         "less than total_max_daily_loss (400), which is suspicious"),
        # the cooldown
        (SWITCH, "recovery.cooldown_period_minutes", 0, True, "is zero, so nothing holds back a release"),
        (SWITCH, "recovery.cooldown_period_minutes", ..., True, "kill-switch.json has no recovery.cooldown_period"),
        # addresses
        (API, "external_apis.ndax.base_url", "http://user:pw@api.example.test/v1", True,
         "is http to api.example.test and no https"),
        (API, "external_apis.ndax.base_url", "ws://192.168.1.5:80", False, "is ws to 192.168.1.5 and no https"),
        (API, "external_apis.urls", ["https://a.test", "HTTP://b.test"], True, "is http to b.test"),
        (API, "ndax_bot.base_url", "http://[::1]:9000", None, None),
        (API, "ndax_bot.base_url", "http://127.0.0.2:9000", None, None),
        (API, "ndax_bot.base_url", "http://[broken", True, "is http and no https"),
        (API, "external_apis.market_data.backup", "https://ONE.example.test/", False, "is the same as primary"),
        # nothing waits, nothing counts
        (API, "health_check_config.timeout_seconds", 0, True, "is zero, which many programs take for no timeout"),
        (API, "health_check_config.failure_threshold", 0, True, "is zero, so it is reached always or never"),
        (API, "health_check_config.success_threshold", 0, True, "is zero, so it is reached always or never"),
        # not our business
        (NOTIFICATIONS, "channels.slack.note", "no number", None, None),
        (SWITCH, "conditions.max_daily_loss_reached.enabled", False, None, None),
    ],
)  # fmt: skip
def test_what_contradicts_itself(
    file: str, path: str, value: object, serious: bool | None, words: str | None
) -> None:
    faults = check(file, path, value)

    if words is None:
        assert faults == []
        return
    (fault,) = faults
    assert words in fault.text
    assert (fault.file, fault.serious) == (file, serious)


def test_a_cooldown_in_the_wrong_file_is_told_as_such() -> None:
    data = deepcopy(dict(SOUND))
    del data[SWITCH]["recovery"]["cooldown_period_minutes"]
    data[RECOVERY]["recovery"] = {"cooldown_period_minutes": 60}

    (fault,) = checked({name: Parsed(name=name, data=each) for name, each in data.items()})

    assert (
        "recovery.cooldown_period_minutes in recovery-settings.json is not where it is looked for"
        in fault.text
    )


@pytest.mark.parametrize("data", [[], 3, "text", None])
def test_a_file_that_is_no_object(data: object) -> None:
    (fault,) = checked({"x.json": Parsed(name="x.json", data=data)})

    assert fault == Fault(
        file="x.json", where="", text="x.json holds no object of keys and values", serious=True
    )


def test_the_outermost_limit_of_a_bot_counts_once() -> None:
    data = {
        "global": {"total_max_daily_loss": 100},
        "ndax": {"safe_mode": {"max_daily_loss": 30}, "max_daily_loss": 60},
        "bots": [{"name": "other", "limits": {"dailyLossLimit": 40}}],
    }

    assert checked({LIMITS: Parsed(name=LIMITS, data=data)}) == ()


def test_decimal_fractions_that_add_up_exactly_are_no_fault() -> None:
    data = {"total_max_daily_loss": 0.3, "ndax": {"max_daily_loss": 0.1}, "quantum": {"max_daily_loss": 0.2}}

    assert checked({LIMITS: Parsed(name=LIMITS, data=data)}) == ()


def test_the_largest_numbers_there_are_overflow_nothing() -> None:
    data = {
        "total_max_daily_loss": 1.7e308,
        "ndax": {"max_daily_loss": 1.7e308},
        "quantum": {"max_daily_loss": int("9" * 300)},
        "shadowforge": {"max_daily_loss": 1.7e308},
    }

    (fault,) = checked({LIMITS: Parsed(name=LIMITS, data=data)})

    assert "less than the inf that" in fault.text


def test_many_faults_are_counted_and_a_serious_one_among_them_is_not_lost() -> None:
    data = {f"loss{number}_limit": "x" for number in range(5000)} | {"health": {"timeout_seconds": 0}}

    faults = checked({"x.json": Parsed(name="x.json", data=data)})

    assert len(faults) == MOST_FAULTS + 1
    assert faults[-1] == Fault(
        file="", where="", text="There are 4,901 more faults than are listed", serious=True
    )


@pytest.mark.parametrize("key", [*NASTY, SECRET, "api_key"])
def test_faults_quote_no_secret_and_break_no_line(key: str) -> None:
    inner = {"max_daily_loss": f"{SECRET}\n<!channel>", "timeout_seconds": 0, "enabled": SECRET}

    for fault in checked({"x.json": Parsed(name="x.json", data={key: inner})}):
        assert SECRET not in fault.text
        assert len(fault.text.splitlines()) == 1
        assert len(fault.text) < 500
        fault.text.encode("utf-8")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=9),
        lambda inner: st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["ndax_bot", "bots", "max_daily_loss", "total_max_daily_loss", "primary", "backup", "url",
                             "timeout", "enabled", "cooldown", "name", ""]),
            inner,
            max_size=5,
        ),
        max_leaves=20,
    )
)  # fmt: skip
def test_any_structure_is_checked(data: object) -> None:
    for fault in checked({SWITCH: Parsed(name=SWITCH, data=data), LIMITS: Parsed(name=LIMITS, data=data)}):
        assert fault.text


# -- the probe


@pytest.fixture
def fleet(tmp_path: Path) -> Places:
    home = tmp_path / "fleet"
    (home / "config").mkdir(parents=True)
    for name, data in SOUND.items():
        (home / "config" / name).write_text(json.dumps(data))
    return places(str(home), logs="logs", config="config", backups="backups")


def signs(found: tuple[Finding, ...]) -> dict[str, bool]:
    """The signs of all findings; each text is held to what a finding promises."""
    told: dict[str, bool] = {}
    for each in found:
        assert len(each.text.splitlines()) == 1
        assert len(each.text) <= 400
        assert each.text == masked_text(each.text)
        assert all(SIGNS[sign].probe == "config" for sign in each.signs)
        told |= {sign: seen or told.get(sign, False) for sign, seen in each.signs.items()}
    return told


def texts_of(found: tuple[Finding, ...], verdict: Verdict) -> list[str]:
    return [each.text for each in found if each.verdict is verdict]


def test_a_sound_configuration_without_a_backup(fleet: Places) -> None:
    found = look(fleet)

    assert signs(found) == {"files.missing": False, "config.broken": False, "config.invalid": False}
    assert texts_of(found, Verdict.NOTED) == [
        "There is no unaltered backup of the configuration to compare it with"
    ]


def test_a_configuration_as_in_its_backup(fleet: Places) -> None:
    back_up(fleet, now=NOW, by="U1")

    assert signs(look(fleet)) == {
        "files.missing": False,
        "config.broken": False,
        "config.invalid": False,
        "config.changed": False,
    }


def test_a_broken_a_missing_and_a_changed_file_are_told(fleet: Places) -> None:
    back_up(fleet, now=NOW, by="U1")
    (fleet.config / RECOVERY).write_text('{"a": 1,\n}')
    (fleet.config / API).unlink()
    switch = deepcopy(SOUND[SWITCH])
    switch["recovery"] |= {"cooldown_period_minutes": 0, "auto_recovery_enabled": True}
    (fleet.config / SWITCH).write_text(json.dumps(switch))

    found = look(fleet)

    assert signs(found) == {
        "files.missing": True,
        "config.broken": True,
        "config.invalid": True,
        "config.changed": True,
    }
    comma = "'}' stands right behind a comma that is one too many"
    loose = "recovery.auto_recovery_enabled false → true; recovery.cooldown_period_minutes 60 → 0"
    label = "(compared with backups/config-20261124-031200)"
    assert texts_of(found, Verdict.ILL) == [
        "api-endpoints.json is missing in config",
        f"recovery-settings.json is no valid JSON at line 2, column 1: {comma}",
        "kill-switch.json: recovery.cooldown_period_minutes is zero, so nothing holds back a release after a kill",
        f"api-endpoints.json is in the backup and not there now {label}",
        f"kill-switch.json differs in 2 keys; laxer: {loose} {label}",
        f"recovery-settings.json differs and cannot be compared key by key {label}",
    ]
    assert {each.source for each in found if each.verdict is Verdict.ILL} == {
        "config", "config/recovery-settings.json", "config/kill-switch.json", "config/api-endpoints.json",
    }  # fmt: skip


def test_a_file_written_anew_without_another_value_is_noted(fleet: Places) -> None:
    back_up(fleet, now=NOW, by="U1")
    (fleet.config / API).write_text(json.dumps(SOUND[API], indent=2))
    (fleet.config / "new.json").write_text("{}")

    found = look(fleet)

    assert signs(found)["config.changed"] is True
    assert [text.partition(" (")[0] for text in texts_of(found, Verdict.NOTED)] == [
        "api-endpoints.json is written differently, but no key differs",
        "new.json is not in the backup",
    ]


def test_a_changed_secret_is_told_without_it(fleet: Places) -> None:
    back_up(fleet, now=NOW, by="U1")
    (fleet.config / NOTIFICATIONS).write_text(
        json.dumps(SOUND[NOTIFICATIONS] | {"api_key": SECRET, "note": f"use {SECRET}", "max_loss": SECRET})
    )

    found = look(fleet)

    assert "notification-config.json differs in 3 keys" in " ".join(each.text for each in found)
    assert SECRET not in repr(found)


def test_without_a_directory_nothing_is_said_but_that_it_is_missing(fleet: Places) -> None:
    fleet.config.rename(fleet.home / "elsewhere")

    found = look(fleet)

    assert signs(found) == {"files.missing": True}
    assert [each.verdict for each in found] == [Verdict.ILL, Verdict.UNKNOWN]


def test_a_directory_that_leads_out_is_not_known(fleet: Places) -> None:
    fleet.config.rename(fleet.home.parent / "away")
    fleet.config.symlink_to(fleet.home.parent / "away")

    found = look(fleet)

    assert signs(found) == {}
    assert [each.verdict for each in found] == [Verdict.UNKNOWN]


def test_a_pipe_in_the_place_of_a_file_is_broken_and_nobody_waits_for_it(fleet: Places) -> None:
    (fleet.config / NAME).unlink()
    os.mkfifo(fleet.config / NAME)

    found = look(fleet)

    assert signs(found) == {"files.missing": False, "config.broken": True}
    assert "config/bot-limits.json is no ordinary file" in texts_of(found, Verdict.ILL)


@pytest.mark.parametrize("kind", ["link", "huge"])
def test_what_is_not_read_is_not_known_and_never_well(fleet: Places, kind: str) -> None:
    back_up(fleet, now=NOW, by="U1")
    if kind == "link":
        outside = fleet.home.parent / "outside.json"
        outside.write_text(f'{{"max_daily_loss": "{SECRET}"')
        (fleet.config / NAME).unlink()
        (fleet.config / NAME).symlink_to(outside)
    else:
        (fleet.config / NAME).write_bytes(b" " * 10_000_000)

    found = look(fleet)

    assert signs(found) == {"files.missing": False}
    words = "is a link that leads out of the fleet's home" if kind == "link" else "is larger than 1 MiB"
    assert texts_of(found, Verdict.UNKNOWN) == [
        f"config/bot-limits.json {words}, so nothing can be said of what it holds",
        "Whether the settings contradict each other is not known, as not every file could be read",
        "What could be read is as in backups/config-20261124-031200, the rest is not known",
    ]


def test_a_link_to_nothing_is_a_missing_file(fleet: Places) -> None:
    (fleet.config / NAME).unlink()
    (fleet.config / NAME).symlink_to("nowhere.json")

    assert signs(look(fleet))["files.missing"] is True


@pytest.mark.parametrize(
    "raw",
    [
        b"[" * 100_000,
        b'{"a": "\xff"}',
        b'{"a": 1, "a": 2}',
        b'{"<!channel>": {"<!channel>": 1, "<!channel>": 2}}',
        json.dumps({text: {text: "x", "max_daily_loss": text} for text in NASTY}).encode(),
        json.dumps({f"k{number}_limit": "x" for number in range(20_000)}).encode(),
        b'{"password": "' + SECRET.encode() + b'", "x": "password=' + SECRET.encode() + b'"}',
    ],
    ids=["deep", "utf-8", "twice", "broadcast", "nasty", "many", "secrets"],
)
def test_hostile_files_give_short_lines_without_secrets(fleet: Places, raw: bytes) -> None:
    back_up(fleet, now=NOW, by="U1")
    (fleet.config / NAME).write_bytes(raw)
    (fleet.config / "other\n<!here>.json").write_bytes(raw)

    found = look(fleet)

    assert signs(found)["config.changed"] is True
    assert SECRET not in repr(found)
    assert len(found) < 150


def test_backups_that_cannot_be_read_leave_the_rest_to_say(fleet: Places) -> None:
    fleet.backups.write_bytes(b"")

    found = look(fleet)

    assert signs(found) == {"files.missing": False, "config.broken": False, "config.invalid": False}
    assert texts_of(found, Verdict.UNKNOWN) == [
        "Whether the configuration changed is not known: The directory backups is no directory"
    ]
