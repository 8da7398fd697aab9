"""Pictures brought to Slack: drawn and stored there first, then shown in their thread like any other message.

Drawing and storing take seconds, may be repeated and are seen by nobody, so they are done beside the channel's lane:
no message waits for a picture, and no lease of the outbox runs out meanwhile. Only showing it is an attempt with one
outcome. Files carry no metadata: a picture whose fate is unknown is looked for by its name, which must be unique.
"""

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import aiohttp
import structlog
from slack_sdk.errors import SlackApiError, SlackClientError

from chatbot.charts import ChartError, available, render
from chatbot.posting import Fate, Found, Poster, Result, error_word, judged
from storage.outbox import Owed

DRAWING = "it is being drawn"
LOOK_AFTER = 5.0  # seconds: Slack scans a file before it shows it, after it has answered
LOOK_AGAIN = 1.0  # seconds until a picture that is being drawn is asked for again
REMEMBERED = 500  # of how many pictures it is known how long they were waited for
KEPT = 32  # pictures that wait to be shown
_LOST = frozenset({"file_not_found", "file_deleted"})  # Slack no longer has what was stored: store it anew
_LEFT_OUT = Result(fate=Fate.SENT, error="not drawn")  # its words stand already

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """A file that Slack has and shows nowhere yet."""

    file_id: str


class Pictures:
    """The pictures that this process brings to Slack."""

    def __init__(self, *, poster: Poster) -> None:
        self._poster = poster
        self._drawing: dict[tuple[str, int], asyncio.Task[Stored | Result]] = {}
        self._made: dict[tuple[str, int], Stored | Result] = {}
        self._waited: Counter[str] = Counter()  # key -> times it was asked for while it was drawn
        self._turn = asyncio.Semaphore(1)  # one drawing at a time

    def waits(self, row: Owed) -> Result | None:
        """``None`` when it can be shown now, else what stands in the way; LATER while it is being drawn.

        A picture that cannot be drawn counts as SENT.
        """
        which = (row.key, row.version)
        made = self._made.get(which)
        if isinstance(made, Stored):
            return None
        if made is not None:
            del self._made[which]
            return made
        if which not in self._drawing:
            task = asyncio.get_running_loop().create_task(self._make(row.key, row.payload))
            self._drawing[which] = task
            task.add_done_callback(partial(self._ended, which))
        self._waited[row.key] += 1
        if len(self._waited) > REMEMBERED:
            del self._waited[next(iter(self._waited))]
        return Result(fate=Fate.LATER, retry_after=LOOK_AGAIN, error=DRAWING)

    def attempts(self, row: Owed) -> int:
        """How often it was really tried: waiting for its drawing makes the next pause no longer."""
        return max(0, row.attempts - self._waited[row.key])

    async def show(self, row: Owed) -> Result:
        """One attempt to show it in its thread, with its words."""
        if (not_yet := self.waits(row)) is not None:
            return not_yet
        made = self._made.pop((row.key, row.version))
        if isinstance(made, Result):
            return made
        result = await self._share(row, made.file_id)
        if result.fate is Fate.UNKNOWN:
            return replace(result, retry_after=LOOK_AFTER)
        if result.fate is Fate.LATER:
            self._made[row.key, row.version] = made
        if result.fate is Fate.REJECTED and result.error in _LOST:
            return replace(result, fate=Fate.LATER)
        return result

    async def find(self, row: Owed) -> Found | None:
        """Look for one of unknown fate by the name of its file; says the same as `Poster.find`."""
        found = await self._poster.find(
            row.channel,
            key=row.key,
            since=row.created_at.timestamp(),
            thread_ts=row.thread_ts,
            file=str(row.payload.get("name")),
        )
        return found if found is None or found.ts is None else replace(found, version=row.version)

    async def _make(self, key: str, payload: Mapping[str, Any]) -> Stored | Result:
        if not available():
            log.warning("a chart is left out: matplotlib is not installed", key=key)
            return _LEFT_OUT
        try:
            async with self._turn:
                picture = await render(payload["chart"])
        except ChartError as error:
            log.warning("a chart is left out", key=key, error=str(error))
            return _LEFT_OUT
        return await self._store(str(payload["name"]), str(payload["title"]), picture)

    async def _store(self, name: str, title: str, picture: bytes) -> Stored | Result:
        """Give Slack the bytes; whatever goes wrong, nothing was shown and it may be done again."""
        try:
            answer = await self._poster.web.files_getUploadURLExternal(
                filename=name, length=len(picture), alt_txt=title
            )
            url, file_id = str(answer["upload_url"]), str(answer["file_id"])
            async with self._poster.session.post(url, data=picture, allow_redirects=False) as response:
                if response.status != 200:
                    return Result(fate=Fate.LATER, error=f"http {response.status}")
        except SlackApiError as error:
            result = judged(error, error_word(error))
            return replace(result, fate=Fate.LATER) if result.fate is Fate.UNKNOWN else result
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            return Result(fate=Fate.LATER, error=error_word(error))
        return Stored(file_id=file_id)

    async def _share(self, row: Owed, file_id: str) -> Result:
        where: dict[str, Any] = {"thread_ts": row.thread_ts} if row.thread_ts else {}
        try:
            await self._poster.web.files_completeUploadExternal(
                files=[{"id": file_id, "title": str(row.payload["title"])}],
                channel_id=row.channel,
                initial_comment=str(row.payload["text"]),
                **where,
            )
        except SlackApiError as error:
            return judged(error, error_word(error))
        except aiohttp.ClientConnectorError as error:
            return Result(fate=Fate.LATER, error=error_word(error))
        except (SlackClientError, aiohttp.ClientError, TimeoutError, OSError) as error:
            return Result(fate=Fate.UNKNOWN, error=error_word(error))
        return Result(fate=Fate.SENT)  # Slack does not say which message shows it

    def _ended(self, which: tuple[str, int], task: "asyncio.Task[Stored | Result]") -> None:
        del self._drawing[which]
        if task.cancelled():
            return
        if (error := task.exception()) is not None:
            log.error("a chart is left out", key=which[0], error=repr(error), exc_info=error)
        self._made[which] = _LEFT_OUT if error is not None else task.result()
        if len(self._made) > KEPT:
            del self._made[next(iter(self._made))]


def is_picture(row: Owed) -> bool:
    """Whether this message is a chart to be drawn: {"chart", "name", "title", "text"}."""
    return "chart" in row.payload
