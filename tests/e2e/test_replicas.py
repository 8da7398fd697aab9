"""Several replicas over one PostgreSQL: one kill, one card, and one that dies is replaced by another."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from storage import audit
from storage.database import Database
from tests.conversation import Bot, conversation, free_port
from tests.postgres import postgres_server, postgres_url

__all__ = ["postgres_server", "postgres_url"]


def rows(url: str, query: str) -> list[Any]:
    """Rows of the shared database."""
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection:
        return connection.execute(query.encode()).fetchall()


async def intact(url: str) -> bool:
    """True when nothing in the record was changed."""
    database = Database(url)
    try:
        return not (await database.read(audit.verify)).faults
    finally:
        await database.close()


def twin(bot: Bot) -> Bot:
    """A second process over the same database and Slack app."""
    port = free_port()
    log = bot.log.with_name("twin.log")
    return replace(bot, port=port, env={**bot.env, "CHATBOT_HTTP__PORT": str(port)}, log=log, process=None)


async def test_two_replicas_start_together_share_the_work_and_stand_in_for_each_other(
    tmp_path: Path, postgres_url: str
) -> None:
    async with conversation(tmp_path, start=False, CHATBOT_DATABASE__URL=postgres_url) as talk:
        other = twin(talk.bot)
        try:
            await asyncio.gather(talk.bot.start(), other.start())  # both find the database empty
            await talk.slack.wait_for(lambda: talk.slack.socket_count == 4, 15)

            talk.fleet.faults.set("ignores_stop", bot="quantum")
            # Slack gives each payload to any one socket, so these land on both replicas.
            await asyncio.gather(
                *(talk.person(name).types("/kill both") for name in ("admin", "second-admin") * 2)
            )
            assert rows(postgres_url, "select count(*) from latches") == [(1,)]
            assert rows(postgres_url, "select count(*) from actions where state = 'running'") == [(1,)]
            assert rows(postgres_url, "select count(*) from actions where state = 'joined'") == [(3,)]
            await talk.admin.sees("NOT CONFIRMED", "quantum")

            ((owner,),) = rows(postgres_url, "select claimed_by from actions where state = 'running'")
            assert talk.bot.process is not None
            running, left = (talk.bot, other) if f":{talk.bot.process.pid}:" in owner else (other, talk.bot)
            await running.dies()
            talk.fleet.faults.clear()
            await talk.admin.sees("verified", "both")
            ((heir,),) = rows(postgres_url, "select claimed_by from actions where state = 'running'")
            assert left.process is not None
            assert f":{left.process.pid}:" in heir
            cards = [each for each in talk.slack.messages("C0OPS") if "both" in each.words]
            assert len(cards) == 1
            assert await intact(postgres_url)
        finally:
            if other.process is not None:
                await other.dies()
