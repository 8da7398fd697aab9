"""Every mistake at once, in words that name the variable and never show a value."""

import json
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from config.loading import SettingsError, load, serve_mistakes
from config.settings import Settings
from config.sources import PLAIN, Names

SECRET = "Zq7hunter2Zq7"  # stands for any value that must not be repeated

SERVING = {
    "SLACK_BOT_TOKEN": "xoxb-1",
    "SLACK_APP_TOKEN": "xapp-1",
    "CHATBOT_ROLES__ADMINS": '["U012AB3CD"]',
    "CHATBOT_CHANNELS__OPS": "C012AB3CD",
}


def mistakes(environ: dict[str, str], cwd: Path, *, to_serve: bool = False) -> list[str]:
    with pytest.raises(SettingsError) as caught:
        load(environ, cwd=cwd, to_serve=to_serve)
    return list(caught.value.mistakes)


def test_without_anything_the_defaults_hold(tmp_path: Path) -> None:
    found = load({}, cwd=tmp_path)
    assert found.slack.api_url == "https://slack.com/api/"
    assert found.coordinator.url == "http://localhost:8000"
    assert found.coordinator.bots == ("ndax", "quantum", "shadowforge")
    assert found.database.url == "sqlite:///var/chatbot.db"
    assert (found.http.host, found.http.port) == ("127.0.0.1", 3000)
    assert found.kill.warn_seconds == (3.0, 10.0, 30.0)
    assert found.roles.admins == ()


def test_the_environment_stands_before_the_file_and_the_file_before_defaults(tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text(
        '[coordinator]\nurl = "http://file:8000"\npoll_seconds = 20\n'
        '[roles]\nadmins = ["U1FILE"]\nviewers = ["U2FILE"]\n'
    )
    found = load(
        {"CHATBOT_COORDINATOR__URL": "http://variable:8000", "CHATBOT_ROLES__ADMINS": '["U1ENV"]'},
        cwd=tmp_path,
    )
    assert found.coordinator.url == "http://variable:8000"
    assert found.coordinator.poll_seconds == 20
    assert found.coordinator.read_timeout == 3.0
    assert found.roles.admins == ("U1ENV",)  # a list replaces a list
    assert found.roles.viewers == ("U2FILE",)


def test_the_names_of_slack_are_taken_as_they_are(tmp_path: Path) -> None:
    found = load({**SERVING, "SLACK_API_URL": "http://127.0.0.1:9/api"}, cwd=tmp_path, to_serve=True)
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.get_secret_value() == "xoxb-1"
    assert found.slack.api_url == "http://127.0.0.1:9/api/"


def test_an_empty_variable_sets_nothing(tmp_path: Path) -> None:
    found = load({"SLACK_APP_TOKEN": "", "CHATBOT_HTTP__PORT": " "}, cwd=tmp_path)
    assert found.slack.app_token is None
    assert found.http.port == 3000


def test_spaces_around_a_value_do_no_harm(tmp_path: Path) -> None:
    found = load({"SLACK_BOT_TOKEN": " xoxb-1\n", "CHATBOT_LOG__LEVEL": "DEBUG "}, cwd=tmp_path)
    assert found.slack.bot_token is not None
    assert found.slack.bot_token.get_secret_value() == "xoxb-1"
    assert found.log.level == "debug"


def test_alerts_and_approvals_go_to_ops_unless_told_otherwise(tmp_path: Path) -> None:
    found = load({"CHATBOT_CHANNELS__OPS": "C1", "CHATBOT_CHANNELS__ALERTS": "C2"}, cwd=tmp_path)
    assert (found.channels.ops, found.channels.alerts, found.channels.approvals) == ("C1", "C2", "C1")


def test_there_may_be_no_monitor(tmp_path: Path) -> None:
    assert load({"CHATBOT_MONITOR__URL": "none"}, cwd=tmp_path).monitor.url is None


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    found = mistakes(
        {
            "CHATBOT_HTTP__PORT": "99999",
            "CHATBOT_ROLES__ADMIN": '["U1"]',
            "CHATBOT_LOG__LEVEL": "loud",
            "CHATBOT_COORDINATOR": "http://localhost",
        },
        tmp_path,
        to_serve=True,
    )
    told = "\n".join(found)
    for name in (
        "CHATBOT_HTTP__PORT",
        "CHATBOT_ROLES__ADMIN ",
        "CHATBOT_LOG__LEVEL",
        "CHATBOT_COORDINATOR ",
        "CHATBOT_CHANNELS__OPS",
        "SLACK_BOT_TOKEN",
        "SLACK_APP_TOKEN",
    ):
        assert name in told
    assert len(found) == 7
    assert "no admin" not in told  # the misspelt variable is why: one reason, one sentence


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHATBOT_HTTP__PORT", SECRET, "must be a whole number"),
        ("CHATBOT_HTTP__PORT", "0", "must be at least 1"),
        ("CHATBOT_HTTP__PORT", "65536", "must be at most 65535"),
        ("CHATBOT_COORDINATOR__POLL_SECONDS", "0.5", "must be at least 1"),
        ("CHATBOT_COORDINATOR__POLL_SECONDS", "nan", "must be a number"),
        ("CHATBOT_COORDINATOR__CONNECT_TIMEOUT", "0", "must be more than 0"),
        ("CHATBOT_COORDINATOR__URL", f"ftp://{SECRET}", "must begin with http:// or https://"),
        ("CHATBOT_COORDINATOR__URL", "http://", "must name a host"),
        ("CHATBOT_COORDINATOR__URL", f"http://bot:{SECRET}@host", "must not carry a user or password"),
        ("CHATBOT_COORDINATOR__URL", "http://host:port", "cannot be read"),
        ("CHATBOT_COORDINATOR__URL", "http://host/?a=b", "must end before ?"),
        ("CHATBOT_COORDINATOR__URL", "http://ho st", "without spaces"),
        ("CHATBOT_MONITOR__URL", SECRET, "must begin with http:// or https://"),
        ("SLACK_API_URL", SECRET, "must begin with http:// or https://"),
        ("CHATBOT_DATABASE__URL", f"mysql://bot:{SECRET}@db", "must be sqlite:///FILE"),
        ("CHATBOT_DATABASE__URL", "sqlite:///", "must be sqlite:///FILE"),
        ("CHATBOT_DATABASE__URL", "sqlite:///:memory:", "must be sqlite:///FILE"),
        ("CHATBOT_COORDINATOR__BOTS", "[]", "must name at least one bot"),
        ("CHATBOT_COORDINATOR__BOTS", '["a", "A"]', "must name each bot once"),
        ("CHATBOT_COORDINATOR__BOTS", '["a", "all"]', 'must not hold "all" (entry 2)'),
        ("CHATBOT_COORDINATOR__BOTS", '["a b"]', "entry 1 is not one"),
        ("CHATBOT_COORDINATOR__BOTS", "ndax,quantum", "must be a list; in the environment write JSON"),
        ("CHATBOT_ROLES__ADMINS", f"[{SECRET}", "must be a list; in the environment write JSON"),
        ("CHATBOT_ROLES__ADMINS", f'["U1", "@{SECRET}"]', "must be a Slack user id"),
        ("CHATBOT_ROLES__ADMINS", "[1]", "must be text"),
        ("CHATBOT_ROLES__ADMIN_GROUP", "U1", "must be a Slack user group id"),
        ("CHATBOT_CHANNELS__OPS", "#ops", "must be a Slack channel id"),
        ("CHATBOT_CHANNELS__ALLOWED", '["#ops"]', "must be a Slack channel id"),
        ("CHATBOT_SLACK__ROOT_COMMAND", "fleet", "must be a slash and"),
        ("CHATBOT_SLACK__TEAM_ID", "x", "must be a Slack workspace id"),
        ("CHATBOT_SLACK__APP_ID", "x", "must be a Slack app id"),
        ("CHATBOT_SLACK__CONNECTIONS", "11", "must be at most 10"),
        ("CHATBOT_KILL__WARN_SECONDS", "[3, 3]", "each larger than the one before"),
        ("CHATBOT_KILL__WARN_SECONDS", "[0]", "above 0"),
        ("CHATBOT_KILL__WARN_SECONDS", "[]", "at least one number"),
        ("CHATBOT_KILL__STORAGE_TIMEOUT_MS", "3000", "must be at most 2000"),
        ("CHATBOT_LOG__FORMAT", "xml", "must be 'json' or 'console'"),
        ("CHATBOT_CONTACTS", f'[{{"role": "on call", "slack": "@{SECRET}"}}]', "must be a Slack user id"),
        ("CHATBOT_CONTACTS", '[{"role": "on call"}]', "must have a name, slack, phone or link"),
        ("CHATBOT_CONTACTS", '[{"phone": "1"}]', "is missing"),
        ("CHATBOT_CONTACTS", '[{"role": "x", "phon": "1"}]', "is not a key of a contact"),
        ("CHATBOT_CONTACTS", '[{"role": "x", "link": "javascript:x"}]', "must be an address"),
        ("CHATBOT_CONTACTS", '["x"]', "must be a table"),
        ("CHATBOT_CONTACTS", SECRET, "must be a list"),
    ],
)
def test_a_wrong_value_is_told_without_repeating_it(
    name: str, value: str, words: str, tmp_path: Path
) -> None:
    (told,) = mistakes({name: value}, tmp_path)
    assert name in told
    assert words in told
    assert told.endswith(".")
    assert SECRET not in told


@pytest.mark.parametrize(
    ("wrong", "meant"),
    [
        ("CHATBOT_ROLES__ADMIN", "CHATBOT_ROLES__ADMINS"),
        ("CHATBOT_COORDINATOR_URL", "CHATBOT_COORDINATOR__URL"),
        ("chatbot_http__port", "CHATBOT_HTTP__PORT"),
        ("CHATBOT_SLACK__BOT_TOKEN", "SLACK_BOT_TOKEN"),
    ],
)
def test_an_unknown_variable_is_a_mistake_with_the_one_that_was_meant(
    wrong: str, meant: str, tmp_path: Path
) -> None:
    assert mistakes({wrong: SECRET}, tmp_path) == [f"{wrong} is not a setting; did you mean {meant}?"]


def test_a_variable_like_no_setting_is_a_mistake_too(tmp_path: Path) -> None:
    (told,) = mistakes({"CHATBOT_XYZZY": SECRET}, tmp_path)
    assert told == "CHATBOT_XYZZY is not a setting; docs/configuration.md lists them all."


def test_a_group_is_no_setting(tmp_path: Path) -> None:
    (told,) = mistakes({"CHATBOT_COORDINATOR": SECRET}, tmp_path)
    assert told == (
        "CHATBOT_COORDINATOR is a group, not a setting; set its keys one by one, such as CHATBOT_COORDINATOR__URL."
    )


def test_what_kubernetes_adds_for_a_service_of_our_name_is_left_alone(tmp_path: Path) -> None:
    load(
        {
            "CHATBOT_SERVICE_HOST": "10.0.0.1",
            "CHATBOT_SERVICE_PORT": "3000",
            "CHATBOT_SERVICE_PORT_HTTP": "3000",
            "CHATBOT_PORT": "tcp://10.0.0.1:3000",
            "CHATBOT_PORT_3000_TCP_ADDR": "10.0.0.1",
        },
        cwd=tmp_path,
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '[roles]\nadmin = ["U1"]',
            "roles.admin in the TOML file is not a setting; did you mean roles.admins",
        ),
        ("[coordinater]\nurl = 1", "coordinater in the TOML file is not a setting; did you mean coordinator"),
        ('coordinator = "x"', "is a group: write [coordinator]"),
        ("[http]\nport = 'x'", "CHATBOT_HTTP__PORT (http.port in TOML) must be a whole number"),
        ("[coordinator]\nurl = 5", "(coordinator.url in TOML) must be text"),
        (f"[coordinator]\nurl = {SECRET}", "is not valid TOML at line 2, column 7"),
    ],
)
def test_mistakes_in_the_file_are_told_alike(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text(text)
    (told,) = mistakes({}, tmp_path)
    assert words in told
    assert SECRET not in told


def test_a_named_file_must_be_there(tmp_path: Path) -> None:
    (told,) = mistakes({"CHATBOT_CONFIG": "missing.toml"}, tmp_path, to_serve=True)
    assert "CHATBOT_CONFIG names" in told
    assert "missing.toml, which is not there" in told


@pytest.mark.parametrize(
    ("content", "words"), [(b"\xff\xfe", "is not UTF-8 text"), (None, "cannot be read (Is a directory)")]
)
def test_a_file_that_cannot_be_read_is_told(content: bytes | None, words: str, tmp_path: Path) -> None:
    path = tmp_path / "other.toml"
    path.mkdir() if content is None else path.write_bytes(content)
    (told,) = mistakes({"CHATBOT_CONFIG": "other.toml"}, tmp_path)
    assert words in told


def test_an_empty_name_means_no_file_at_all(tmp_path: Path) -> None:
    (tmp_path / "chatbot.toml").write_text("not toml")
    load({"CHATBOT_CONFIG": ""}, cwd=tmp_path)


@pytest.mark.parametrize(
    ("name", "value", "words"),
    [
        ("CHATBOT_ROLES__ADMINS", "[]", "names no admin"),
        ("CHATBOT_CHANNELS__OPS", "", "is missing"),
        ("SLACK_BOT_TOKEN", "", "is missing"),
        ("SLACK_BOT_TOKEN", f"xapp-{SECRET}", "does not begin with xoxb-"),
        ("SLACK_APP_TOKEN", f"xoxb-{SECRET}", "does not begin with xapp-"),
        ("SLACK_APP_TOKEN", "", "SLACK_SIGNING_SECRET if Slack comes by HTTP"),
    ],
)
def test_serving_needs_more(name: str, value: str, words: str, tmp_path: Path) -> None:
    environ = {**SERVING, name: value}
    (told,) = mistakes(environ, tmp_path, to_serve=True)
    assert told.startswith(f"{name} (")
    assert words in told
    assert SECRET not in told
    assert serve_mistakes(load(environ, cwd=tmp_path)) == (told,)


def test_a_signing_secret_is_as_good_as_an_app_token(tmp_path: Path) -> None:
    environ = {**SERVING, "SLACK_APP_TOKEN": "", "SLACK_SIGNING_SECRET": "s"}
    assert serve_mistakes(load(environ, cwd=tmp_path, to_serve=True)) == ()


def test_settings_are_frozen_and_never_show_a_secret(tmp_path: Path) -> None:
    found = load(
        {
            **SERVING,
            "SLACK_BOT_TOKEN": f"xoxb-{SECRET}",
            "SLACK_SIGNING_SECRET": SECRET,
            "CHATBOT_COORDINATOR__TOKEN": SECRET,
            "CHATBOT_MONITOR__TOKEN": SECRET,
            "CHATBOT_DATABASE__URL": f"postgresql+psycopg://bot:{SECRET}@db/bot",
        },
        cwd=tmp_path,
    )
    assert SECRET in found.database.url
    assert SECRET not in repr(found)
    assert SECRET not in str(found)
    assert SECRET not in repr(found.database)
    with pytest.raises(ValueError, match="frozen"):
        found.http.port = 1  # what must not work


NAMES = Names.of(Settings)
VALUES = st.one_of(
    st.text("[]{}\"',:0123456789.-abcUCS/ \n", max_size=20),
    st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=5), st.lists, max_leaves=5).map(
        json.dumps
    ),
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(st.dictionaries(st.sampled_from([NAMES.variable(key) for key in NAMES.keys]), VALUES, max_size=6))
def test_any_values_give_settings_or_sentences(tmp_path: Path, environ: dict[str, str]) -> None:
    # each mistake has words of its own: nobody is sent to the documentation
    for told in told_of({name: value.replace("\0", "") for name, value in environ.items()}, tmp_path):
        assert told[0].isupper()
        assert told.endswith((".", "?"))
        assert "docs/configuration.md" not in told


def told_of(environ: dict[str, str], cwd: Path) -> tuple[str, ...]:
    try:
        load(environ, cwd=cwd, to_serve=True)
    except SettingsError as error:
        return error.mistakes
    return ()


def test_every_setting_has_one_name_in_the_environment() -> None:
    names = [NAMES.variable(key) for key in NAMES.keys]
    assert len(set(names)) == len(names)
    assert set(PLAIN.values()) <= set(names)
