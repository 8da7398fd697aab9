"""A single admin: nothing alone unless set on purpose, and then only after a wait in sight of all."""

from pathlib import Path

from tests.conversation import OPS
from tests.e2e.two_people import kill, refused, releases, state, stopped, text_of, two_people

ALONE = {"CHATBOT_ROLES__ADMINS": '["U0ADMIN1"]'}
SOLO = {**ALONE, "CHATBOT_POLICY__SOLO": "true", "CHATBOT_POLICY__SOLO_WAIT_MINUTES": "0.03"}


async def test_alone_nothing_is_started_unless_that_was_set_on_purpose(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), **ALONE) as talk:
        assert "add one under roles.admins" in text_of(await talk.admin.types("/start ndax"))


async def test_alone_it_waits_in_sight_of_all_and_then_goes(tmp_path: Path) -> None:
    async with two_people(tmp_path, **SOLO) as talk:
        await kill(talk)
        force = text_of(await talk.admin.types("/force-override because I must do it"))
        assert "always takes a second admin" in force
        text = text_of(await talk.admin.types("/override nobody else is there"))
        assert "you are the only admin" in text
        shown = await talk.admin.sees("ALONE", "<!channel>", "Anybody here can cancel", where=OPS)
        assert "Cancel" in shown.words
        assert releases(talk) == []
        done = await talk.admin.sees("Done and read back", "Nobody cancelled it", where=OPS)
        assert done.ts == shown.ts
        (sent,) = releases(talk)
        assert sent["approved_by"] == "U0ADMIN1 alone"


async def test_anybody_of_the_workspace_can_cancel_and_nobody_else(tmp_path: Path) -> None:
    async with two_people(tmp_path, **{**SOLO, "CHATBOT_POLICY__SOLO_WAIT_MINUTES": "5"}) as talk:
        await kill(talk)
        await talk.admin.types("/override nobody else is there")
        shown = await talk.admin.sees("ALONE", where=OPS)
        action = talk.rows("select action_id from approvals")[0][0]
        stranger = {"id": "U0FOREIGN", "team_id": "T0OTHER"}
        await talk.admin.clicks("Cancel", shown, user=stranger)
        await talk.slack.wait_for(lambda: ("U0FOREIGN", "foreign") in refused(talk), 10)
        assert state(talk, action) == ("pending", "waiting")
        await talk.person("no-role").clicks("Cancel", shown)
        gone = await talk.admin.sees("Withdrawn", "cancelled", "<@U0NOROLE>", where=OPS)
        assert gone.ts == shown.ts
        assert releases(talk) == []


async def test_a_kill_ends_a_solo_wait(tmp_path: Path) -> None:
    async with two_people(tmp_path, **SOLO) as talk:
        await kill(talk)
        await talk.admin.types("/override nobody else is there")
        await talk.admin.sees("ALONE", where=OPS)
        action = talk.rows("select action_id from approvals")[0][0]
        await kill(talk, "again")
        await talk.slack.wait_for(lambda: state(talk, action) == ("void", "void"), 10)
        await talk.admin.sees("Void", "the fleet was killed again", where=OPS)
        assert releases(talk) == []


async def test_what_takes_a_code_is_not_asked_alone_in_a_chat(tmp_path: Path) -> None:
    async with two_people(tmp_path, fleet=stopped(), **SOLO, CHATBOT_POLICY__STEP_UP='["start"]') as talk:
        assert "types at a terminal" in text_of(await talk.admin.types("/start ndax"))
