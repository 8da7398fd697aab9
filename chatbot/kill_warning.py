"""The voice of a kill that is not confirmed: louder after 3, 10 and 30 s, on the card, in its thread, to the asker."""

import asyncio

from chatbot.kill_record import KillRecord, in_words_of
from chatbot.views import kill as view
from chatbot.views.kill import Phase

TICK = 0.1


async def warn(record: KillRecord, needed: asyncio.Event) -> None:
    """Count the seconds while the stop is ``needed``, and redraw the card when that was put off; until cancelled."""
    desk = record.desk
    while True:
        waited = (desk.now() - record.since).total_seconds()
        due = [level for level in desk.warn_seconds if level <= waited]
        if needed.is_set() and len(due) > record.warnings:
            record.warnings = len(due)
            await _raise_voice(record, due[-1])
        elif record.redraw_due and desk.clock() >= record.redraw_due:
            await record.draw()
        await asyncio.sleep(TICK)


async def _raise_voice(record: KillRecord, level: float) -> None:
    record.warned, record.phase = level, Phase.NOT_CONFIRMED
    owing = [record.thread(f"alarm-{record.episode}-{level:g}", view.alarm(record.card()))]
    if level == record.desk.warn_seconds[0]:
        owing += record.reply(f"reply-alarm-{record.episode}")
    await record.write(
        "noted",
        once=f"alarm-{record.episode}-{level:g}",
        at=record.desk.now(),
        owing=owing,
        event=f"not confirmed after {level:g} s",
        detail={"doubts": in_words_of(record.doubts), "error": record.error},
    )
