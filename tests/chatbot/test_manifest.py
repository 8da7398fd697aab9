"""The manifest: what Slack takes, no more than it allows, and nothing it keeps for itself."""

from collections.abc import Mapping
from typing import Any, cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatbot.manifest import RESERVED, manifest
from commands import COMMANDS
from commands.spec import KEPT_BY_CHAT, Command, Request, Risk, Role, UserError

URL = "https://fleet.example.org"


def command(name: str, *, usage: str = "", summary: str = "does it") -> Command:
    return Command(
        name=name,
        usage=usage,
        summary=summary,
        help="",
        risk=Risk.READ,
        role=Role.VIEWER,
        parse=lambda text, bots: Request(command=name),
    )


def made(*commands: Command, root: str = "/fleet", url: str | None = None) -> Mapping[str, Any]:
    return cast(Mapping[str, Any], manifest(commands or COMMANDS, root, socket_mode=url is None, url=url))


def names(found: Mapping[str, Any]) -> list[str]:
    return [row["command"] for row in found["features"]["slash_commands"]]


def test_the_root_command_comes_first_and_status_is_left_to_slack() -> None:
    found = names(made())
    assert found[0] == "/fleet"
    assert "/kill" in found
    assert "/status" not in found
    assert "/who" not in found
    assert len(found) == len(set(found)) == len(COMMANDS) - 1  # one more for the root, less /status and /who


def test_what_people_are_told_to_type_is_what_slack_lets_through() -> None:
    assert {command.name for command in COMMANDS} & RESERVED == KEPT_BY_CHAT


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_no_name_that_slack_keeps_is_asked_for(name: str) -> None:
    assert names(made(command(name), command("kill"))) == ["/fleet", "/kill"]


def test_a_root_command_that_slack_keeps_is_refused_in_words() -> None:
    with pytest.raises(UserError, match="CHATBOT_SLACK__ROOT_COMMAND"):
        made(root="/status")


def test_a_root_command_named_like_a_command_is_listed_once() -> None:
    assert names(made(command("kill"), command("stop"), root="/kill")) == ["/kill", "/stop"]


def test_socket_mode_names_no_address() -> None:
    found = made()
    assert found["settings"]["socket_mode_enabled"] is True
    assert "request_url" not in found["settings"]["event_subscriptions"]
    assert all("url" not in row for row in found["features"]["slash_commands"])


@pytest.mark.parametrize("url", [URL, f"{URL}/", f"{URL}/slack/events"])
def test_http_mode_sends_everything_to_one_address(url: str) -> None:
    found = made(url=url)
    assert found["settings"]["socket_mode_enabled"] is False
    assert found["settings"]["event_subscriptions"]["request_url"] == f"{URL}/slack/events"
    assert found["settings"]["interactivity"]["request_url"] == f"{URL}/slack/events"
    assert {row["url"] for row in found["features"]["slash_commands"]} == {f"{URL}/slack/events"}


def test_an_address_that_slack_does_not_send_to_is_refused() -> None:
    with pytest.raises(UserError, match="https://"):
        made(url="http://localhost:3000")
    with pytest.raises(UserError, match="--http"):
        manifest(COMMANDS, "/fleet", socket_mode=False, url=None)


def test_every_scope_that_an_event_or_a_call_needs_is_asked_for() -> None:
    scopes = made()["oauth_config"]["scopes"]["bot"]
    assert {
        "app_mentions:read",
        "channels:history",
        "channels:read",
        "chat:write",
        "commands",
        "files:write",
        "groups:history",
        "groups:read",
        "im:history",
        "im:write",
        "usergroups:read",
        "users:read",
    } == set(scopes)
    assert set(made()["settings"]["event_subscriptions"]["bot_events"]) == {
        "app_home_opened",
        "app_mention",
        "channel_shared",
        "subteam_members_changed",
        "user_change",
    }


@given(
    st.lists(
        st.builds(
            command,
            st.text("abcdefghij-", min_size=1, max_size=60),
            usage=st.text(max_size=1200),
            summary=st.text(min_size=1, max_size=2500),
        ),
        min_size=1,
        max_size=70,
    )
)
def test_slacks_limits_hold_for_any_table(commands: list[Command]) -> None:
    rows = made(*commands)["features"]["slash_commands"]
    assert len(rows) <= 50
    for row in rows:
        assert 2 <= len(row["command"]) <= 32
        assert 1 <= len(row["description"]) <= 2000
        assert len(row.get("usage_hint", "")) <= 1000
        assert row["should_escape"] is True
