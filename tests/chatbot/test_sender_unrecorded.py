"""The sender without a database: the messages of a stop are shown all the same, and nothing twice."""

from pathlib import Path

from sender_desk import OPS, new_sender, running, saying

from chatbot.posting import open_session
from chatbot.sandbox.slack import LocalSlack
from chatbot.steps import Owing
from storage.database import Database


async def test_without_a_database_a_stop_is_shown_all_the_same(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path / 'never' / 'prepared.db'}")
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(missing, slack, session, owner="alone")
        async with running(sender):
            sender.show_unrecorded((_owing("kill/card", "sent"), _owing("kill/alarm", "alarm", "kill/card")))
            await slack.wait_for(lambda: slack.messages(OPS))
            slack.faults.set("reset_after_accept", methods=("chat.update",), times=1)
            for count in range(30):
                sender.show_unrecorded((_owing("kill/card", f"change {count}"),))
            await slack.wait_for(lambda: slack.messages(OPS)[0].text == "change 29", 10)
            (card,) = slack.messages(OPS)
            await slack.wait_for(lambda: slack.replies(OPS, card.ts), 10)
        assert len(slack.messages(OPS)) == 1
        assert len(slack.replies(OPS, card.ts)) == 1
        assert len(card.history) < 8
    await missing.close()


async def test_an_unrecorded_post_that_was_cut_off_is_found_again(tmp_path: Path) -> None:
    missing = Database(f"sqlite:///{tmp_path / 'never' / 'prepared.db'}")
    async with LocalSlack.running() as slack, open_session() as session:
        sender = new_sender(missing, slack, session, owner="alone")
        slack.faults.set("reset_after_accept", methods=("chat.postMessage",), times=1)
        async with running(sender):
            sender.show_unrecorded((_owing("kill/card", "sent"),))
            await slack.wait_for(lambda: slack.messages(OPS))
            sender.show_unrecorded((_owing("kill/card", "verified"),))
            await slack.wait_for(lambda: slack.messages(OPS)[0].text == "verified", 10)
        assert len(slack.messages(OPS)) == 1
    await missing.close()


def _owing(key: str, words: str, thread: str | None = None) -> Owing:
    return Owing(key=key, channel=OPS, payload=saying(words), thread_key=thread)
