"""Every call of the health monitor."""

import asyncio

import httpx
import pytest

from commands.coordinator.errors import Refused, Unintelligible, Unreachable
from commands.coordinator.monitor import MOST_LOG_LINES, Monitor


class Field:
    """The monitor as recorded; ``broken`` paths answer as they were seen to."""

    def __init__(self, recorded):
        self.recorded = recorded
        self.asked: list[str] = []
        self.broken: dict[str, httpx.Response] = {}

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(str(request.url.raw_path, "ascii"))
        await asyncio.sleep(0)
        if request.url.path in self.broken:
            return self.broken[request.url.path]
        name = {"/logs": "logs-with-data"}.get(request.url.path, request.url.path[1:])
        return httpx.Response(200, json=self.recorded("health_monitor", name))


@pytest.fixture
def field(recorded) -> Field:
    return Field(recorded)


@pytest.fixture
async def monitor(field):
    made = Monitor(url="http://monitor:8080", token="s3cret", transport=httpx.MockTransport(field))
    yield made
    await made.close()


async def test_each_endpoint_is_read_once_for_all_who_ask(monitor, field):
    await asyncio.gather(
        *(monitor.alerts() for _ in range(10)),
        *(monitor.metrics() for _ in range(10)),
        *(monitor.health() for _ in range(10)),
        *(monitor.logs(lines) for lines in range(1, 11)),
    )
    assert sorted(field.asked) == ["/alerts", "/health", f"/logs?lines={MOST_LOG_LINES}", "/metrics"]


async def test_what_it_says(monitor):
    assert all(row.armed for row in await monitor.alerts())
    assert (await monitor.metrics()).limits["emergency_stop_loss"] == 1000
    assert (await monitor.health()).status == "healthy"
    assert [len(await monitor.logs(lines)) for lines in (1, 3)] == [1, 3]
    with pytest.raises(ValueError, match="1 or more"):
        await monitor.logs(0)


async def test_alerts_may_fail_while_health_is_healthy(monitor, field, recorded):
    field.broken["/alerts"] = httpx.Response(500, json=recorded("health_monitor", "alerts-badconfig"))
    with pytest.raises(Unreachable, match="The health monitor at monitor:8080 did not answer GET /alerts"):
        await monitor.alerts()
    assert (await monitor.health()).status == "healthy"


@pytest.mark.parametrize("status", [404, 405])
async def test_plain_text_errors_are_somebody_elses_server(monitor, field, status):
    field.broken["/metrics"] = httpx.Response(status, text=f"{status}: Not Found")
    with pytest.raises(Unintelligible, match="check the configured URL"):
        await monitor.metrics()


async def test_a_wrong_token_is_refused(monitor, field):
    field.broken["/logs"] = httpx.Response(401, text="no")
    with pytest.raises(Refused, match="check the configured token"):
        await monitor.logs(5)
