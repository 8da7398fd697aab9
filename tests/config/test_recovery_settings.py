"""The group recovery: every mistake in one sentence that names the setting and shows no value."""

import json
from pathlib import Path

import pytest

from config.loading import SettingsError, load
from config.settings import Endpoint, HostAction, Recovery

SECRET = "Zq7hunter2Zq7"
ACTION = {"name": "restart", "argv": ["/bin/systemctl", "restart", "coordinator"], "summary": "Restarts it"}


def loaded(cwd: Path, **values: object) -> Recovery:
    named = {
        f"CHATBOT_RECOVERY__{key.upper()}": value if isinstance(value, str) else json.dumps(value)
        for key, value in values.items()
    }
    return load({"CHATBOT_CONFIG": "", **named}, cwd=cwd).recovery


def mistake(cwd: Path, **values: object) -> str:
    with pytest.raises(SettingsError) as caught:
        loaded(cwd, **values)
    (told,) = caught.value.mistakes
    assert SECRET not in told
    assert "CHATBOT_RECOVERY" in told
    return told


def test_without_a_word_nothing_on_the_host_is_looked_at(tmp_path: Path) -> None:
    found = loaded(tmp_path)
    assert (found.home, found.runbooks, found.endpoints, found.host_actions) == (None, None, (), ())
    assert (found.logs, found.config, found.backups) == ("logs", "config", "backups")
    assert found.evidence == "var/evidence"
    assert (found.fresh_minutes, found.third_hours) == (15, 24)
    assert (found.disk_percent, found.memory_percent) == (90, 90)


def test_lists_come_from_the_environment_and_from_the_file(tmp_path: Path) -> None:
    endpoints = [
        {"name": "exchange", "url": "https://api.example.org/v1/"},
        {"name": "db", "url": "tcp://db:5432"},
    ]
    found = loaded(tmp_path, endpoints=endpoints, host_actions=[ACTION])
    assert found.endpoints == (
        Endpoint(name="exchange", url="https://api.example.org/v1"),
        Endpoint(name="db", url="tcp://db:5432"),
    )
    (action,) = found.host_actions
    assert action == HostAction(
        name="restart", argv=("/bin/systemctl", "restart", "coordinator"), summary="Restarts it"
    )
    assert (action.risk, action.releases, action.timeout_seconds) == ("raise", False, 60)  # the careful ones
    file = tmp_path / "chatbot.toml"
    file.write_text(
        '[recovery]\nhome = "/srv/fleet"\n[[recovery.host_actions]]\nname = "tidy"\nargv = ["/bin/true"]\n'
        'summary = "Tidies"\nrisk = "LOWER"\nreleases = true\ntimeout_seconds = 5\n'
    )
    found = load({}, cwd=tmp_path).recovery
    assert found.home == "/srv/fleet"
    (action,) = found.host_actions
    assert (action.risk, action.releases, action.timeout_seconds) == ("lower", True, 5)


@pytest.mark.parametrize(
    "url",
    [
        "http://localhost:8000",
        "https://api.example.org/v1",
        "tcp://localhost:5432",
        "tcp://10.0.0.7:1",
        "tcp://[::1]:5432",
        "tcp://db-1.internal_net:65535",
    ],
)
def test_addresses_that_can_be_looked_at(tmp_path: Path, url: str) -> None:
    assert loaded(tmp_path, endpoints=[{"name": "it", "url": url}]).endpoints[0].url == url


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("", "http"),
        (SECRET, "must begin with http:// or https://"),
        ("ftp://example.org", "must begin with http:// or https://"),
        ("file:///etc/passwd", "must begin with http:// or https://"),
        ("https://", "must name a host"),
        (f"https://user:{SECRET}@example.org", "must not carry a user or password"),
        (f"https://example.org/?key={SECRET}", "must end before ? and #"),
        ("https://example.org:99999", "cannot be read"),
        ("https://exa mple.org", "without spaces"),
        ("tcp://localhost", "must be tcp://host:port"),
        ("tcp://localhost:", "must be tcp://host:port"),
        ("tcp://localhost:0", "must name a port from 1 to 65535"),
        ("tcp://localhost:65536", "must name a port from 1 to 65535"),
        ("tcp://:5432", "must be tcp://host:port"),
        ("tcp://localhost:5432/path", "must be tcp://host:port"),
        (f"tcp://user:{SECRET}@localhost:5432", "must be tcp://host:port"),
        ("tcp://localhost:123456", "must be tcp://host:port"),
        ("tcp://local host:5432", "must be tcp://host:port"),
    ],
)
def test_addresses_that_cannot(tmp_path: Path, url: str, words: str) -> None:
    assert words in mistake(tmp_path, endpoints=[{"name": "it", "url": url}])


@pytest.mark.parametrize(
    ("argv", "words"),
    [
        ([], "begins with the whole path of a program"),
        (["systemctl", "restart"], "begins with the whole path of a program"),
        (["./run.sh"], "begins with the whole path of a program"),
        ([""], "begins with the whole path of a program"),
        (["/bin/echo", f"a\0{SECRET}"], "must hold plain words"),
    ],
)
def test_a_program_is_named_by_its_whole_path(tmp_path: Path, argv: list[str], words: str) -> None:
    assert words in mistake(tmp_path, host_actions=[{**ACTION, "argv": argv}])


@pytest.mark.parametrize("name", ["a", "1st", "Restart", "re start", "re_start", "-x", "x" * 32, "", "a\n"])
def test_a_host_action_has_a_plain_name(tmp_path: Path, name: str) -> None:
    assert "2 to 31 small letters, digits and -" in mistake(tmp_path, host_actions=[{**ACTION, "name": name}])


@pytest.mark.parametrize("name", ["ab", "restart-coordinator", "a1", "x" * 31])
def test_good_names_are_taken(tmp_path: Path, name: str) -> None:
    assert loaded(tmp_path, host_actions=[{**ACTION, "name": name}]).host_actions[0].name == name


@pytest.mark.parametrize(
    "changes",
    [
        {"risk": "read"},
        {"timeout_seconds": 0},
        {"timeout_seconds": 3601},
        {"summary": ""},
        {"shell": True},
        {"releases": "perhaps"},
    ],
    ids=str,
)
def test_what_a_host_action_is_not(tmp_path: Path, changes: dict[str, object]) -> None:
    mistake(tmp_path, host_actions=[{**ACTION, **changes}])


@pytest.mark.parametrize("lacking", sorted(ACTION))
def test_what_a_host_action_needs(tmp_path: Path, lacking: str) -> None:
    mistake(tmp_path, host_actions=[{key: value for key, value in ACTION.items() if key != lacking}])


def test_each_name_stands_once(tmp_path: Path) -> None:
    twice = [{"name": "it", "url": "http://a"}, {"name": "it", "url": "http://b"}]
    assert "endpoints once" in mistake(tmp_path, endpoints=twice)
    assert "host_actions once" in mistake(tmp_path, host_actions=[ACTION, ACTION])
    # an address and a program may be called the same
    loaded(tmp_path, endpoints=[{"name": "restart", "url": "http://a"}], host_actions=[ACTION])


@pytest.mark.parametrize(
    ("key", "values"),
    [
        ("fresh_minutes", ("0", "1441", "soon")),
        ("third_hours", ("0", "721", "nan")),
        ("disk_percent", ("0", "100.1")),
        ("memory_percent", ("0", "101")),
    ],
)
def test_numbers_have_bounds(tmp_path: Path, key: str, values: tuple[str, ...]) -> None:
    for value in values:
        assert f"CHATBOT_RECOVERY__{key.upper()}" in mistake(tmp_path, **{key: value})
