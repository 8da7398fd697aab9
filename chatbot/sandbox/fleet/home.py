"""The home of a fleet that is well: configuration, logs, data, a good backup and a commit."""

import json
import shutil
import subprocess
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from chatbot.sandbox.fleet.bots import NEEDS
from chatbot.sandbox.fleet.disk import BACKUPS, CONFIG, DATA, LOGS, Disk
from chatbot.sandbox.fleet.policy import Policy
from chatbot.sandbox.fleet.wire import LIMITS
from commands.configuring.keeping import back_up
from commands.probes.files import places

BACKED_UP, COMMITTED = timedelta(days=1), timedelta(days=2)
"""How long ago."""

_SHARES = (0.5, 0.3, 0.2)
"""What of the fleet's limits each of the first bots may use up; all after them share the last."""

_AUTHOR = "fleet"
_GIT_SECONDS = 20


def make_home(directory: Path, bots: Sequence[str] = tuple(NEEDS), *, now: datetime | None = None) -> Path:
    """The directory, filled; FileExistsError where there is a configuration already.

    ``now`` (default: by this machine) is when the backup is a day old and the commit two. It blocks for as long as
    git takes; where there is no git, the code has no history.
    """
    at = now or datetime.now(UTC)
    (directory / CONFIG).mkdir(parents=True)
    for name in (LOGS, DATA, BACKUPS):
        (directory / name).mkdir(exist_ok=True)
    for name, content in _files(bots).items():
        text = json.dumps(content, indent=2) + "\n"
        (directory / CONFIG / name).write_text(text, encoding="utf-8")
    for bot in bots:
        Disk(directory).write_positions(bot)
    (directory / ".gitignore").write_text(
        "".join(f"{name}/\n" for name in (LOGS, DATA, BACKUPS)), encoding="utf-8"
    )
    known = places(str(directory), logs=LOGS, config=CONFIG, backups=BACKUPS)
    back_up(known, now=at - BACKED_UP, by=_AUTHOR)
    _commit(directory, at - COMMITTED)
    return directory


def _files(bots: Sequence[str]) -> dict[str, dict[str, object]]:
    """The expected files, in accord with the limits that the monitor tells."""
    policy = Policy()
    return {
        "bot-limits.json": {
            "bots": {bot: _limits(_SHARES[min(at, len(_SHARES) - 1)]) for at, bot in enumerate(bots)},
            "global": dict(LIMITS),
        },
        "kill-switch.json": {
            "enabled": True,
            "conditions": {
                "max_daily_loss_reached": {"enabled": True, "action": "stop_all_bots"},
                "account_equity_drop": {"enabled": True, "action": "stop_all_bots"},
            },
            "recovery": {
                "cooldown_period_minutes": policy.cooldown.total_seconds() / 60,
                "manual_approval_required": True,
            },
            "circuit_breaker": {"enabled": True, "max_activations": policy.breaker_kills},
        },
        "recovery-settings.json": {
            "auto_recovery": {"enabled": False, "max_attempts": 3},
            "safe_mode": {
                "enabled": True,
                "duration_minutes": policy.safe_mode.total_seconds() / 60,
                "position_size_reduction": policy.safe_mode_scale,
            },
            "sequence_gap_seconds": policy.sequence_gap.total_seconds(),
        },
        "api-endpoints.json": {
            "coordinator": {"url": "http://localhost:8000"},
            "health_monitor": {"url": "http://localhost:8080"},
            "external_apis": {
                "market_data": {
                    "primary": "https://market-data.invalid/v1",
                    "backup": "https://market-data-2.invalid/v1",
                }
            },
            "health_check_config": {
                "health_check_interval": 60,
                "timeout_seconds": 5,
                "failure_threshold": 3,
                "success_threshold": 2,
            },
        },
        "notification-config.json": {
            "enabled": True,
            "rate_limits": {"max_alerts_per_minute": 10, "max_alerts_per_hour": 100},
            "aggregation": {"enabled": True, "window_seconds": 300, "min_similar_alerts": 3},
        },
    }


def _limits(share: float) -> dict[str, float]:
    return {
        "max_daily_loss": LIMITS["total_max_daily_loss"] * share,
        "max_exposure": LIMITS["total_max_exposure"] * share,
        "max_position_size": LIMITS["total_max_exposure"] * share / 5,
        "max_concurrent_positions": 5,
    }


def _commit(directory: Path, at: datetime) -> None:
    git = shutil.which("git")
    if git is None:
        return
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(directory),
        # what the person at this machine configured must neither name somebody nor start a program
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": "/dev/null",
        **{f"GIT_{who}_NAME": _AUTHOR for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_EMAIL": f"{_AUTHOR}@localhost" for who in ("AUTHOR", "COMMITTER")},
        **{f"GIT_{who}_DATE": at.isoformat(timespec="seconds") for who in ("AUTHOR", "COMMITTER")},
    }
    for arguments in (
        ("init", "--quiet", "--template=", "--initial-branch=main"),
        ("add", "--all"),
        ("commit", "--quiet", "--message=Configure the fleet"),
    ):
        subprocess.run(  # noqa: S603 - fixed words, no shell
            (git, *arguments),
            cwd=directory,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            timeout=_GIT_SECONDS,
            check=True,
        )
