"""One exchange with far ends that reset, trickle, flood, lie about lengths or speak something else."""

import asyncio
import gzip
import subprocess
import sys
import time

import httpx
import pytest

from commands.coordinator.client import Coordinator
from commands.coordinator.errors import Refused, Uncertain, Unintelligible, Unreachable
from commands.coordinator.exchange import LARGEST_BODY, tls_for

BOMB = gzip.compress(b" " * 2 * LARGEST_BODY)
STATUS = {"kill_switch_active": False, "bots": {}}


@pytest.fixture
async def coordinator():
    """Makes coordinators with short timeouts; all are closed after the test."""
    made = []

    def make(url: str, **more) -> Coordinator:
        made.append(Coordinator(url=url, **{"connect_timeout": 0.2, "read_timeout": 0.2, **more}))
        return made[-1]

    yield make
    for each in made:
        await each.close()


async def reset(end, writer):
    end.reset(writer)


async def hang_up(end, writer):
    writer.write_eof()


async def silent(end, writer):
    await end.hold.wait()


async def trickled_head(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\n")
    while True:
        await end.write(writer, b"x-more: 1\r\n")
        await asyncio.sleep(0.02)


async def trickled_body(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
    while True:
        await end.write(writer, b" ")
        await asyncio.sleep(0.02)


async def ends_early(end, writer):
    await end.write(writer, b'HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\n{"success": true}')
    writer.close()


async def no_http(end, writer):
    await end.write(writer, b"SSH-2.0-OpenSSH_9.6\r\n\r\n")


async def endless_head(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\nx: " + b"a" * 300_000)
    await end.hold.wait()


async def broken_chunks(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nnothex\r\n")


NO_ANSWER = [
    reset,
    hang_up,
    silent,
    trickled_head,
    trickled_body,
    ends_early,
    no_http,
    endless_head,
    broken_chunks,
]  # fmt: skip - one list, read at a glance


@pytest.mark.parametrize("behave", NO_ANSWER, ids=lambda behave: behave.__name__)
async def test_no_complete_answer_leaves_a_read_undone_and_a_write_uncertain(far_end, coordinator, behave):
    end = await far_end(behave)
    client = coordinator(end.url)
    began = time.monotonic()
    with pytest.raises(Unreachable, match=r"did not answer GET /status \(.*\), so nothing was read"):
        await client.status()
    with pytest.raises(Uncertain, match=r"got POST /kill-switch but .* whether it acted is not known"):
        await client.activate_kill("drill")
    assert time.monotonic() - began < 3  # two deadlines of 0.4 s, on a busy machine
    assert len(end.requests) == 2  # nothing is sent twice


async def flood(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        await end.write(writer, b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


async def large(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n")
    while True:
        await end.write(writer, b"x" * 0x10000)


async def bomb(end, writer):
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(BOMB)
    await end.write(writer, head + BOMB)


async def cut_short(end, writer):
    await end.write(writer, b'HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n{"success": true}')


async def page(end, writer):
    await end.write(writer, b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>")


async def redirect(end, writer):
    await end.write(
        writer, b"HTTP/1.1 307 X\r\nlocation: http://other.example/?secret\r\ncontent-length: 0\r\n\r\n"
    )


@pytest.mark.parametrize(
    "behave", [flood, large, bomb, cut_short, page, redirect], ids=lambda each: each.__name__
)
async def test_a_complete_answer_that_is_none_is_unintelligible(far_end, coordinator, behave):
    end = await far_end(behave)
    client = coordinator(end.url)
    for call in (client.status, lambda: client.activate_kill("drill")):
        with pytest.raises(Unintelligible, match="check the configured URL") as caught:
            await call()
        assert "secret" not in str(caught.value)
    assert len(end.requests) == 2
    # the cap holds while streaming: what was written beyond it is no more than what sockets keep in flight
    assert end.written < 2 * LARGEST_BODY + 16 * 1024 * 1024


async def test_a_compressed_body_is_named_as_the_fault(far_end, coordinator):
    end = await far_end(bomb)
    with pytest.raises(Unintelligible, match="a compressed body, which was not asked for"):
        await coordinator(end.url).status()


async def test_a_body_of_exactly_the_cap_is_read(far_end, coordinator):
    async def full(end, writer):
        await end.answer(
            writer,
            {
                **STATUS,
                "x": "a" * (LARGEST_BODY - len(b'{"kill_switch_active": false, "bots": {}, "x": ""}')),
            },
        )

    end = await far_end(full)
    assert (await coordinator(end.url).status()).kill_switch_active is False


async def test_refused_connections_and_names_that_do_not_exist_are_unreachable(far_end, coordinator):
    end = await far_end(silent)
    closed = "http://127.0.0.1:1"
    for url in (closed, "http://name.invalid:8000"):
        client = coordinator(url)
        for call in (client.read_back, lambda client=client: client.activate_kill("drill")):
            with pytest.raises(Unreachable, match=r"could not be reached, so .* was not sent"):
                await call()
    assert not end.requests


async def test_a_connection_that_the_far_end_closed_meanwhile_is_replaced(far_end, coordinator):
    async def once(end, writer):
        await end.answer(writer, STATUS)
        writer.close()

    end = await far_end(once)
    client = coordinator(end.url)
    for _ in range(3):
        end.closed.clear()
        assert (await client.read_back()).kill_switch_active is False
        await end.closed.wait()


async def test_connections_are_kept_for_the_next_call(far_end, coordinator):
    writers = set()

    async def answer(end, writer):
        writers.add(writer)
        await end.answer(writer, STATUS)

    end = await far_end(answer)
    client = coordinator(end.url)
    for _ in range(5):
        await client.read_back()
    assert len(writers) == 1


async def test_abandoned_calls_do_not_use_up_the_pool(far_end, coordinator):
    async def hang_first(end, writer):
        if len(end.requests) <= 20:
            await end.hold.wait()
        await end.answer(writer, {"success": True})

    end = await far_end(hang_first)
    client = coordinator(end.url, connect_timeout=10, read_timeout=10)
    hung = [asyncio.create_task(client.start("ndax")) for _ in range(40)]
    await end.received(20)  # the pool is full of requests, the rest waits for a connection
    for task in hung:
        task.cancel()
    await asyncio.gather(*hung, return_exceptions=True)
    assert all(task.cancelled() for task in hung)
    assert (await client.start("ndax")).success is True


async def test_a_kill_goes_through_while_everything_else_hangs(far_end, coordinator):
    async def only_kills(end, writer):
        if not end.requests[-1].startswith(b"POST /kill-switch"):
            await end.hold.wait()
        await end.answer(writer, {"success": True})

    end = await far_end(only_kills)
    client = coordinator(end.url, connect_timeout=10, read_timeout=10)
    hung = [asyncio.create_task(client.resume("ndax")) for _ in range(30)]
    await end.received(20)
    assert (await client.activate_kill("drill")).success is True
    assert not any(task.done() for task in hung)
    end.hold.set()
    assert all(answer.success for answer in await asyncio.gather(*hung))


async def test_the_request_asks_for_nothing_compressed_and_carries_the_token(far_end, coordinator):
    end = await far_end(lambda end, writer: end.answer(writer, {"success": True}))
    await coordinator(end.url + "/base/", token="s3cret").activate_kill("drill ünïcode \ud800")
    head, _, body = end.requests[0].partition(b"\r\n\r\n")
    lines = head.lower().split(b"\r\n")
    assert lines[0] == b"post /base/kill-switch http/1.1"
    assert b"accept-encoding: identity" in lines
    assert b"authorization: bearer s3cret" in lines
    assert body.isascii()


async def test_no_proxy_of_the_environment_stands_between(far_end, coordinator, monkeypatch):
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:1")
    end = await far_end(lambda end, writer: end.answer(writer, STATUS))
    assert (await coordinator(end.url).read_back()).kill_switch_active is False


async def test_cookies_are_not_taken(far_end, coordinator):
    async def cookie(end, writer):
        await end.write(writer, b"HTTP/1.1 200 OK\r\nset-cookie: a=b\r\ncontent-length: 2\r\n\r\n{}")

    end = await far_end(cookie)
    client = coordinator(end.url)
    await client.health()
    await client.health()
    assert b"cookie" not in end.requests[1].lower()


async def test_neither_token_nor_reason_nor_answer_shows_in_logs_messages_or_reprs(
    far_end, coordinator, caplog
):
    caplog.set_level(1)

    async def echo(end, writer):
        await end.answer(
            writer, {"error": "you sent Bearer s3cret", "x": "inner words"}, status="403 Forbidden"
        )

    end = await far_end(echo)
    client = coordinator(end.url, token="s3cret")
    with pytest.raises(Refused) as caught:
        await client.activate_kill("private reason")
    shown = "".join([caplog.text, str(caught.value), repr(caught.value), repr(client), repr(vars(client))])
    for secret in ("s3cret", "private reason", "inner words"):
        assert secret not in shown


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8000",
        "ftp://host",
        "http://",
        "http://user:s3cret@host",
        "http://host?x=s3cret",
        "http://host:s3cret",
    ],
)
def test_a_url_that_cannot_be_spoken_to_is_refused_at_once(url):
    with pytest.raises(ValueError, match="The coordinator's URL") as caught:
        Coordinator(url=url)
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize("token", ["", "  ", "s3cret\r\nx: y", "s3cret\u00e9"])
def test_a_token_that_no_header_can_carry_is_refused_at_once(token):
    with pytest.raises(ValueError, match="token cannot be sent") as caught:
        Coordinator(url="http://host", token=token)
    assert "s3cret" not in str(caught.value)


def test_only_https_pays_for_certificates():
    assert not tls_for("http://host").get_ca_certs()
    assert tls_for("https://host").verify_mode.name == "CERT_REQUIRED"


async def test_a_transport_that_is_not_asynchronous_is_a_bug_and_not_an_outage():
    class Wrong(httpx.AsyncBaseTransport):
        async def handle_async_request(self, request):
            return httpx.Response(200, stream=SyncOnly())

    class SyncOnly(httpx.SyncByteStream):
        def __iter__(self):
            yield b"{}"

    client = Coordinator(url="http://host", transport=Wrong())
    with pytest.raises((TypeError, RuntimeError)):
        await client.health()
    await client.close()


FIRST_KILL = """
import asyncio, sys
from commands.coordinator.client import Coordinator

async def main(url):
    coordinator = Coordinator(url=url)
    before = set(sys.modules)
    await coordinator.activate_kill("drill")
    print(sorted(name for name in set(sys.modules) - before if "." not in name or name.startswith("anyio._backends")))
    await coordinator.close()

asyncio.run(main(sys.argv[1]))
"""


async def test_the_first_kill_of_a_process_loads_no_code(far_end):
    end = await far_end(lambda end, writer: end.answer(writer, {"success": True}))
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", FIRST_KILL, end.url, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    assert out.decode().strip() == "[]", err.decode()
