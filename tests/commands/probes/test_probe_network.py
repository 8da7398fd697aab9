"""The addresses that the fleet needs: real servers on this machine's loopback, well and ill."""

import asyncio
import errno
import ipaddress
import re
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from commands.probes import network
from commands.probes.model import Finding, Report, Verdict, gathered
from commands.probes.network_failures import in_words
from commands.probes.network_stages import Limits
from config.settings import Endpoint

NOW = datetime.now(UTC).replace(microsecond=0)  # a certificate is checked against the real clock
QUICK = Limits(stage=0.3, whole=5.0)
Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A server on the loopback that keeps what it was sent."""

    def __init__(self, answer: bytes = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"):
        self.answer = answer
        self.requests: list[bytes] = []
        self.port = 0
        self.now = 0
        self.most = 0  # at the same time
        self.gate = asyncio.Event()
        self.gate.set()
        self.eight = asyncio.Event()

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            request = await reader.readuntil(b"\r\n\r\n")
            self.requests.append(request)
            self.now += 1
            self.most = max(self.most, self.now)
            if self.now == 8:
                self.eight.set()
            await self.gate.wait()
            self.now -= 1
            writer.write(self.answer)
            await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.transport.abort()


@asynccontextmanager
async def serving(serve: Serve, tls: ssl.SSLContext | None = None) -> AsyncIterator[int]:
    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Takes all and says nothing."""
    try:
        while await reader.read(1024):
            pass
    except ConnectionError:
        pass
    finally:
        writer.transport.abort()


class Certificates:
    """An issuer of the test's own."""

    def __init__(self, directory: Path):
        self.directory = directory
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "the test's own issuer")])
        self.root = self._made(self.name, self.key, NOW + timedelta(days=900), ca=True)
        self.trust = ssl.create_default_context(
            cadata=self.root.public_bytes(serialization.Encoding.PEM).decode()
        )

    def server(
        self, *, days: float = 400, name: str = "127.0.0.1", version: ssl.TLSVersion | None = None
    ) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._made(
            x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "server")]),
            key,
            NOW + timedelta(days=days),
            name=name,
        )
        path = self.directory / "server.pem"
        path.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(path)
        if version is not None:
            context.maximum_version = version
        return context

    def _made(
        self,
        subject: x509.Name,
        key: ec.EllipticCurvePrivateKey,
        until: datetime,
        *,
        ca: bool = False,
        name: str | None = None,
    ) -> x509.Certificate:
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self.name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW - timedelta(days=500))
            .not_valid_after(until)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if name is not None:
            try:
                alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(name))
            except ValueError:
                alternative = x509.DNSName(name)
            builder = builder.add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        return builder.sign(self.key, hashes.SHA256())


@pytest.fixture
def certificates(tmp_path: Path) -> Certificates:
    return Certificates(tmp_path)


def at(url: str, name: str = "market data") -> Endpoint:
    return Endpoint(name=name, url=url)


async def look(
    *urls: str, trust: ssl.SSLContext | None = None, limits: Limits = QUICK
) -> tuple[Finding, ...]:
    endpoints = [at(url, f"place {number}") for number, url in enumerate(urls, start=1)]
    return await network.look(endpoints, now=lambda: NOW, verify=trust, limits=limits)


def known(findings: tuple[Finding, ...]) -> dict[str, bool]:
    report = Report(probe="network", at=NOW, took=1.0, findings=findings)
    return {sign: each.seen for sign, each in gathered((report,)).items()}


def closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


# -- what is well


async def test_without_endpoints_nothing_is_known() -> None:
    (finding,) = await network.look((), now=lambda: NOW)
    assert (finding.verdict, finding.text) == (Verdict.UNKNOWN, "no endpoints are configured")
    assert finding.signs == {}


async def test_a_tls_endpoint_that_is_well(certificates: Certificates) -> None:
    server = Server()
    async with serving(server, certificates.server()) as port:
        findings = await look(f"https://127.0.0.1:{port}/v1/ping", trust=certificates.trust)
    until = f"{NOW + timedelta(days=400):%Y-%m-%d}"
    pattern = (
        rf"place 1 \(127\.0\.0\.1:{port}\): name \d+ ms, connected \d+ ms, TLS 1\.3 until {until}, "
        r"answered 200 in \d+ ms"
    )

    assert re.fullmatch(pattern, findings[0].text), findings[0].text
    assert findings[0].verdict is Verdict.WELL
    assert findings[0].source == f"GET 127.0.0.1:{port}"
    assert findings[1].text == "the one address is reached"
    assert known(findings) == {
        "network.failing": False,
        "network.all-failing": False,
        "network.tls-expiring": False,
    }
    (request,) = server.requests
    assert request.startswith(b"GET /v1/ping HTTP/1.1\r\n")


async def test_no_credentials_are_sent_and_no_path_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "netrc").write_text("machine 127.0.0.1 login admin password hunter2\n")
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    server = Server()
    async with serving(server) as port:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{closed_port()}")
        findings = await look(f"http://127.0.0.1:{port}/keys/hunter2")
    assert findings[0].verdict is Verdict.WELL
    (request,) = server.requests
    assert not any(each in request.lower() for each in (b"authorization", b"cookie"))
    assert "hunter2" not in " ".join(each.text + each.source for each in findings)


async def test_tcp_is_connected_and_told_nothing() -> None:
    server = Server()
    async with serving(server) as port:
        findings = await look(f"tcp://127.0.0.1:{port}")
    assert findings[0].verdict is Verdict.WELL
    assert "connected" in findings[0].text
    assert "answered" not in findings[0].text
    assert server.requests == []
    assert known(findings) == {"network.failing": False, "network.all-failing": False}


@pytest.mark.parametrize(
    ("status", "verdict"),
    [
        (204, Verdict.WELL),
        (302, Verdict.WELL),
        (401, Verdict.NOTED),
        (403, Verdict.NOTED),
        (404, Verdict.NOTED),
        (429, Verdict.NOTED),
        (500, Verdict.ILL),
        (503, Verdict.ILL),
    ],
)
async def test_what_a_status_means(status: int, verdict: Verdict) -> None:
    server = Server(f"HTTP/1.1 {status} X\r\nlocation: /elsewhere\r\ncontent-length: 0\r\n\r\n".encode())
    async with serving(server) as port:
        findings = await look(f"http://127.0.0.1:{port}")
    assert findings[0].verdict is verdict
    assert f"answered {status} in" in findings[0].text
    assert known(findings)["network.failing"] is (status >= 500)
    assert len(server.requests) == 1, "a redirect is not followed"


async def test_an_endless_answer_is_read_to_its_limit_only() -> None:
    sent = 0

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
            while True:
                writer.write(b"x" * 16_384)
                await writer.drain()
                sent += 16_384
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.transport.abort()

    async with serving(endless) as port:
        findings = await look(f"http://127.0.0.1:{port}")
    assert findings[0].verdict is Verdict.WELL
    assert sent < 32 * 1024 * 1024, "what fits into the buffers of both ends"


# -- what is ill


async def test_nothing_listens_there() -> None:
    findings = await look(f"https://127.0.0.1:{closed_port()}")
    assert findings[0].text.endswith("refused: nothing listens there")
    assert findings[0].verdict is Verdict.ILL
    assert known(findings) == {"network.failing": True, "network.all-failing": True}, (
        "no certificate was seen"
    )
    assert findings[1].text == "the one address fails, so it may be its end or ours"


@pytest.mark.parametrize("host", ["nowhere.invalid", "a..b", f"{'x' * 70}.example.com"])
async def test_a_name_that_is_not_known(host: str) -> None:
    findings = await look(f"http://{host}/", limits=Limits(stage=3.0, whole=8.0))
    assert findings[0].text.endswith(": DNS"), findings[0].text
    assert known(findings)["network.failing"] is True


async def test_a_host_that_drops_what_it_is_sent() -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        port = listener.getsockname()[1]
        waiting = []
        try:
            for _ in range(4):  # until its queue is full: then the system drops what comes
                one = socket.socket()
                one.setblocking(False)
                one.connect_ex(("127.0.0.1", port))
                waiting.append(one)
            findings = await look(f"tcp://127.0.0.1:{port}")
        finally:
            for one in waiting:
                one.close()
    assert findings[0].text.endswith("no answer in 0.3 s: a firewall or a dead host")


async def test_what_listens_but_never_answers() -> None:
    async with serving(silent) as port:
        web, secure, _ = await look(f"http://127.0.0.1:{port}", f"https://127.0.0.1:{port}")
    assert "connected, but no answer in 0.3 s: what runs there hangs" in web.text
    assert secure.verdict is Verdict.ILL


async def test_the_whole_look_is_bounded() -> None:
    async with serving(silent) as port:
        begun = asyncio.get_running_loop().time()
        findings = await look(f"http://127.0.0.1:{port}", limits=Limits(stage=60.0, whole=0.3))
    assert findings[0].text.endswith("it took more than 0.3 s in all")
    assert known(findings)["network.failing"] is True
    assert asyncio.get_running_loop().time() - begun < 10


async def test_no_web_server_and_no_tls() -> None:
    server = Server(b"220 mail.example.com ESMTP\r\n")
    async with serving(server) as port:
        (web, _) = await look(f"http://127.0.0.1:{port}")
    assert web.text.endswith("what listens there hung up or is no web server")

    async def plain(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()
        await silent(reader, writer)

    async with serving(plain) as port:
        (secure, _) = await look(f"https://127.0.0.1:{port}")
    assert secure.text.endswith("what listens there speaks no TLS")


# -- certificates


async def test_a_certificate_that_runs_out_soon(certificates: Certificates) -> None:
    async with serving(Server(), certificates.server(days=13)) as port:
        findings = await look(f"https://127.0.0.1:{port}", trust=certificates.trust)
    assert "its certificate runs out in 13 days, answered 200" in findings[0].text
    assert findings[0].verdict is Verdict.ILL
    assert known(findings) == {
        "network.failing": False,
        "network.all-failing": False,
        "network.tls-expiring": True,
    }


async def test_fourteen_days_are_enough(certificates: Certificates) -> None:
    async with serving(Server(), certificates.server(days=14)) as port:
        findings = await look(f"https://127.0.0.1:{port}", trust=certificates.trust)
    assert known(findings)["network.tls-expiring"] is False


async def test_older_tls_is_named(certificates: Certificates) -> None:
    context = certificates.server(version=ssl.TLSVersion.TLSv1_2)
    async with serving(Server(), context) as port:
        findings = await look(f"https://127.0.0.1:{port}", trust=certificates.trust)
    assert "TLS 1.2 until" in findings[0].text


@pytest.mark.parametrize(
    ("days", "name", "trusted", "words", "expiring"),
    [
        (-2, "127.0.0.1", True, "its certificate has expired", True),
        (400, "127.0.0.2", True, "its certificate is for another address", False),
        (400, "other.example.com", True, "its certificate is for another address", False),
        (400, "127.0.0.1", False, "its certificate comes from an issuer that is not trusted here", False),
        (3, "127.0.0.1", False, "its certificate comes from an issuer that is not trusted here", True),
    ],
)
async def test_a_certificate_that_is_not_accepted(
    certificates: Certificates, *, days: int, name: str, trusted: bool, words: str, expiring: bool
) -> None:
    server = Server()
    trust = certificates.trust if trusted else ssl.create_default_context()
    async with serving(server, certificates.server(days=days, name=name)) as port:
        findings = await look(f"https://127.0.0.1:{port}", trust=trust)
    assert findings[0].text.endswith(words), findings[0].text
    assert f"TLS until {NOW + timedelta(days=days):%Y-%m-%d}" in findings[0].text
    assert known(findings) == {
        "network.failing": True,
        "network.all-failing": True,
        "network.tls-expiring": expiring,
    }
    assert server.requests == [], "nothing is sent to somebody who is not trusted"


async def test_a_certificate_that_was_not_seen_is_not_known(certificates: Certificates) -> None:
    async with serving(Server(), certificates.server()) as port:
        findings = await look(
            f"https://127.0.0.1:{port}", f"https://127.0.0.1:{closed_port()}", trust=certificates.trust
        )
    assert known(findings) == {"network.failing": True, "network.all-failing": False}


# -- several


async def test_one_of_several_fails() -> None:
    async with serving(Server()) as port:
        findings = await look(f"http://127.0.0.1:{port}", f"tcp://127.0.0.1:{closed_port()}")
    assert [each.verdict for each in findings] == [Verdict.WELL, Verdict.ILL, Verdict.ILL]
    assert findings[2].text == "1 of 2 addresses fail: place 2; the others are reached"
    assert known(findings) == {"network.failing": True, "network.all-failing": False}


async def test_all_of_several_fail() -> None:
    findings = await look(f"tcp://127.0.0.1:{closed_port()}", f"http://127.0.0.1:{closed_port()}")
    assert findings[2].text == "all 2 addresses fail, which speaks for the network of this host"
    assert known(findings)["network.all-failing"] is True


async def test_eight_at_once_and_in_their_order() -> None:
    server = Server()
    server.gate.clear()
    async with serving(server) as port:
        looking = asyncio.create_task(
            look(*[f"http://127.0.0.1:{port}/{number}" for number in range(12)], limits=Limits())
        )
        await asyncio.wait_for(server.eight.wait(), 5)
        async with serving(Server()) as other:
            await look(f"http://127.0.0.1:{other}")  # in this time a ninth would come
        assert server.most == 8
        server.gate.set()
        findings = await looking
    assert server.most == 8
    assert [each.text.split(" (")[0] for each in findings[:-1]] == [f"place {n}" for n in range(1, 13)]
    assert findings[-1].text == "all 12 addresses are reached"


async def test_a_secret_in_a_name_is_masked() -> None:
    endpoint = at(f"tcp://127.0.0.1:{closed_port()}", "feed token=abcdef")
    findings = await network.look([endpoint], now=lambda: NOW)
    assert "abcdef" not in " ".join(each.text + each.source for each in findings)


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (socket.gaierror(socket.EAI_NONAME, "x"), "the name is not known: DNS"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), "the name server gives no answer: DNS"),
        (OSError(errno.ENETUNREACH, "x"), "there is no way to it: this host's network or a router is down"),
        (ConnectionResetError(), "the connection was cut"),
        (httpx.ReadError("x"), "the connection was cut"),
        (ssl.SSLError(1, "x"), "no TLS was agreed on (cut off)"),
        (PermissionError(13, "Permission denied"), "the connection failed (Permission denied)"),
        (httpx.DecodingError("x"), "the connection failed (DecodingError)"),
    ],
)
def test_failures_in_words(error: Exception, words: str) -> None:
    assert in_words(error, 3.0) == words
