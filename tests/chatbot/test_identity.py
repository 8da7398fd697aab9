"""Who a person is, by the configuration and by Slack's word: fail open for a stop, closed for everything else."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from chatbot.identity import FRESH_SECONDS, People, flaw_of
from chatbot.posting import open_session, web_client
from chatbot.sandbox.slack import LocalSlack
from commands.spec import Risk, Role
from config.settings import Roles

ADMIN, OTHER, OPERATOR, VIEWER = "U0ADMIN1", "U0ADMIN2", "U0OPER01", "U0VIEW01"
GROUP = "S0ADMINS"


@dataclass
class Door:
    """People as known from one Slack; `at` is the clock."""

    slack: LocalSlack
    people: People
    at: float = 1_000.0

    async def why(
        self,
        user: str,
        risk: Risk = Risk.LOWER,
        *,
        needs: Role = Role.OPERATOR,
        fresh: bool = False,
        user_team: str | None = "T0FLEET",
    ) -> str | None:
        """The word for the refusal, ``None`` when the person may."""
        found = await self.people.refusal(user, user_team=user_team, risk=risk, needs=needs, fresh=fresh)
        if found is None:
            return None
        assert "nothing was done" in found.sentence
        return found.why

    def asked(self, method: str = "users.info") -> int:
        return sum(call.method == method for call in self.slack.calls)


@pytest.fixture
async def door() -> AsyncIterator[Door]:
    async with LocalSlack.running() as slack, open_session() as session:
        web = web_client(token="xoxb-sandbox", api_url=slack.api_url, session=session)
        roles = Roles(
            admins=(ADMIN, OTHER, "U0GUEST1", "U0DELETED", "U0FOREIGN", "U0NOBODY"),
            operators=(OPERATOR,),
            viewers=(VIEWER,),
            admin_group=GROUP,
        )
        door = Door(slack=slack, people=People(roles=roles, web=web, clock=lambda: door.at))
        door.people.installed_in("T0FLEET")
        yield door


async def test_a_stop_asks_nobody_and_goes_by_what_is_known(door: Door) -> None:
    assert await door.why(ADMIN) is None
    assert await door.why(OPERATOR) is None
    assert await door.why(VIEWER) == "role too low"
    assert await door.why("U0ELSE") == "no role"
    assert await door.why("") == "no role"
    assert await door.why(ADMIN, user_team="T0OTHER") == "foreign"
    assert await door.why("U0DELETED") is None  # Slack has not said so yet: a stop is not held up to find out
    assert door.slack.calls == []
    await door.people.refresh()
    door.slack.workspace.groups[GROUP] = (
        "fleet-admins",
        frozenset({ADMIN, "U0DELETED", "U0GUEST1", "U0FOREIGN"}),
    )
    await door.people.group_changed(GROUP)
    asked = len(door.slack.calls)
    assert await door.why("U0DELETED") == "deactivated"
    assert await door.why("U0GUEST1") == "a guest account"
    assert await door.why("U0FOREIGN", user_team=None) == "from another organisation"
    assert await door.why("U0NOBODY") == "unknown to this workspace"
    assert await door.why(OTHER) == "not in group"
    assert await door.why(ADMIN) is None
    door.at += 100 * FRESH_SECONDS  # old news are still news for a stop: nobody waits for newer
    assert await door.why("U0DELETED") == "deactivated"
    assert await door.why(ADMIN) is None
    assert len(door.slack.calls) == asked


async def test_everything_else_needs_slacks_word(door: Door) -> None:
    door.slack.faults.set("http_500", methods=("users.info", "usergroups.users.list"))
    for risk in (Risk.READ, Risk.RAISE):
        assert await door.why(OPERATOR, risk) == "unverified"
    door.slack.faults.clear()
    door.slack.faults.set("http_500", methods=("usergroups.users.list",))
    assert await door.why(OPERATOR, Risk.RAISE) is None  # no group is asked of operators
    assert await door.why(ADMIN, Risk.READ) == "unverified"
    assert await door.why(ADMIN) is None
    door.slack.faults.clear()
    assert await door.why(ADMIN, Risk.READ) is None


async def test_slack_that_takes_too_long_is_not_waited_for(door: Door) -> None:
    door.slack.faults.set("hang", methods=("users.info",))
    assert await door.why(OPERATOR, Risk.READ) == "unverified"
    assert await door.why(OPERATOR) is None


async def test_what_raises_risk_needs_news_of_at_most_a_minute(door: Door) -> None:
    await door.people.refresh()
    before, groups = door.asked(), door.asked("usergroups.users.list")
    assert await door.why(ADMIN, Risk.RAISE, fresh=True) is None
    assert (door.asked(), door.asked("usergroups.users.list")) == (before, groups)
    door.at += FRESH_SECONDS + 1
    assert await door.why(ADMIN, Risk.RAISE, fresh=True) is None
    assert (door.asked(), door.asked("usergroups.users.list")) == (before + 1, groups + 1)
    door.at += FRESH_SECONDS + 1
    door.slack.faults.set("http_500", methods=("usergroups.users.list",))
    assert await door.why(ADMIN, Risk.RAISE, fresh=True) == "unverified"
    door.slack.faults.set("http_500", methods=("users.info",))
    assert await door.why(OPERATOR, Risk.RAISE, fresh=True) == "unverified"
    assert await door.why(OPERATOR, Risk.READ) is None  # a look needs no news
    assert await door.why(OPERATOR) is None


async def test_a_change_is_heard_and_one_that_cannot_be_read_is_not_forgotten(door: Door) -> None:
    await door.people.refresh()
    await door.slack.change_person(OPERATOR, is_restricted=True)
    assert await door.why(OPERATOR) is None
    await door.people.changed(OPERATOR)
    assert await door.why(OPERATOR) == "a guest account"
    before = door.asked()
    await door.people.changed("U0ELSE")  # nobody's role
    await door.people.group_changed("S0OTHER")
    assert door.asked() == before

    await door.slack.change_person(ADMIN, deleted=True)
    door.slack.faults.set("http_500", methods=("users.info",))
    await door.people.changed(ADMIN)
    assert await door.why(ADMIN, Risk.RAISE, fresh=True) == "unverified"
    door.slack.faults.clear()
    assert await door.why(ADMIN, Risk.RAISE, fresh=True) == "deactivated"


@pytest.mark.parametrize(
    ("user", "flaw"),
    [
        ({}, None),
        ({"team_id": "T0FLEET", "deleted": False, "is_bot": False}, None),
        ({"deleted": True, "is_bot": True}, "deactivated"),
        ({"is_bot": True}, "a bot"),
        ({"is_workflow_bot": True}, "a bot"),
        ({"is_stranger": True, "team_id": "T0FLEET"}, "from another organisation"),
        ({"is_restricted": True}, "a guest account"),
        ({"is_ultra_restricted": True}, "a guest account"),
        ({"team_id": "T0OTHER"}, "from another workspace"),
    ],
)
def test_what_slack_says_of_a_person(user: dict[str, object], flaw: str | None) -> None:
    assert flaw_of(user, "T0FLEET") == flaw
