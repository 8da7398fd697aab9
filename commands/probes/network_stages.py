"""A look at one address in stages: name, connection, certificate and answer."""

import asyncio
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx

from commands.apart import apart
from commands.masking import masked_text
from commands.probes.model import Finding, Verdict
from commands.probes.network_failures import in_words
from config.settings import Endpoint

MOST_BYTES = 64 * 1024
"""Bytes that are read of an answer."""

EXPIRING = timedelta(days=14)
"""Time before its end from which a certificate runs out soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds for each stage of a look and for the whole of it."""

    stage: float = 3.0
    whole: float = 8.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What came of one endpoint; ``expires`` is ``None`` where no certificate was seen."""

    name: str
    finding: Finding
    secure: bool  # it should have a certificate
    expires: datetime | None


class _StageError(Exception):
    """What a stage that failed means, in words."""


@dataclass(slots=True, kw_only=True)
class _Clock:
    """Milliseconds since it was made."""

    begun: float = field(default_factory=lambda: asyncio.get_running_loop().time())

    def __str__(self) -> str:
        return f"{(asyncio.get_running_loop().time() - self.begun) * 1000:.0f} ms"


class Look:
    """A look at one endpoint; what was seen until a stage failed is told as well."""

    def __init__(
        self, endpoint: Endpoint, *, trust: ssl.SSLContext, limits: Limits, now: Callable[[], datetime]
    ) -> None:
        parts = urlsplit(endpoint.url)
        self._name = endpoint.name
        self._url = endpoint.url
        self._web = parts.scheme != "tcp"
        self._secure = parts.scheme == "https"
        self._host = parts.hostname or ""
        self._port = _port(endpoint.url)
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        self._place = self._host if self._port == usual else f"{self._host}:{self._port}"
        self._trust = trust
        self._limits = limits
        self._now = now
        self._told: list[str] = []
        self._expires: datetime | None = None

    async def seen(self) -> Seen:
        """What came of it, within the whole limit."""
        verdict = Verdict.ILL
        try:
            async with asyncio.timeout(self._limits.whole):
                verdict = await self._stages()
        except TimeoutError:
            self._told.append(f"it took more than {self._limits.whole:g} s in all")
        except _StageError as error:
            self._told.append(str(error))
        signs = {"network.failing": True} if verdict is Verdict.ILL else {}
        if self._expires is not None and self._expires - self._now() < EXPIRING:
            signs["network.tls-expiring"] = True
            verdict = Verdict.ILL
        finding = Finding(
            verdict=verdict,
            text=masked_text(f"{self._name} ({self._place}): {', '.join(self._told)}"),
            source=masked_text(f"{'GET' if self._web else 'connection to'} {self._place}"),
            signs=signs,
        )
        return Seen(name=self._name, finding=finding, secure=self._secure, expires=self._expires)

    async def _stages(self) -> Verdict:
        addresses = await self._resolved()
        writer = await self._connected(addresses)
        try:
            if self._secure:
                await self._agreed(writer, addresses)
        finally:
            writer.transport.abort()  # a polite end would wait for the other side
        return await self._answered() if self._web else Verdict.WELL

    async def _resolved(self) -> list[str]:
        """Its addresses, in the order of the system's preference."""
        clock = _Clock()
        with self._stage():
            try:
                async with asyncio.timeout(self._limits.stage):
                    found = await apart(socket.getaddrinfo, self._host, self._port, type=socket.SOCK_STREAM)
            except TimeoutError:
                raise _StageError(f"no word from the name server in {self._limits.stage:g} s: DNS") from None
        addresses = list(dict.fromkeys(str(each[4][0]) for each in found))
        many = f" ({len(addresses)} addresses)" if len(addresses) > 1 else ""
        self._told.append(f"name {clock}{many}")
        return addresses

    async def _connected(self, addresses: list[str]) -> asyncio.StreamWriter:
        """A connection to the first address that takes one, all of them within one stage."""
        tried = addresses[:4]
        failed: OSError | None = None
        for address in tried:
            clock = _Clock()
            try:
                async with asyncio.timeout(self._limits.stage / len(tried)):
                    _, writer = await asyncio.open_connection(address, self._port)
            except OSError as error:
                # Of several failures the one that came as an answer says most.
                failed = error if failed is None or isinstance(failed, TimeoutError) else failed
                continue
            self._told.append(f"connected {clock}")
            return writer
        raise _StageError(in_words(failed or OSError("no address"), self._limits.stage)) from failed

    async def _agreed(self, writer: asyncio.StreamWriter, addresses: list[str]) -> None:
        """TLS on the connection; where its certificate is not trusted, its end is read all the same."""
        try:
            with self._stage():
                async with asyncio.timeout(self._limits.stage):
                    await writer.start_tls(self._trust, server_hostname=self._host)
        except _StageError as error:
            if isinstance(error.__cause__, ssl.SSLCertVerificationError):
                self._expires = await self._untrusted_end(addresses)
                if self._expires is not None:
                    self._told.append(f"TLS until {self._expires:%Y-%m-%d}")
            raise
        session = writer.get_extra_info("ssl_object")
        self._expires = _end_of(session.getpeercert(binary_form=True))
        version = str(session.version()).replace("TLSv", "TLS ")
        self._told.append(version + (f" until {self._expires:%Y-%m-%d}" if self._expires else ""))
        if self._expires is not None and self._expires - self._now() < EXPIRING:
            self._told.append(f"its certificate runs out in {_days(self._expires - self._now())}")

    async def _untrusted_end(self, addresses: list[str]) -> datetime | None:
        """When a certificate that is not trusted ends; nothing but the handshake is sent."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        try:
            async with asyncio.timeout(self._limits.stage):
                _, writer = await asyncio.open_connection(
                    addresses[0], self._port, ssl=context, server_hostname=self._host
                )
        except OSError:
            return None
        session = writer.get_extra_info("ssl_object")
        writer.transport.abort()
        return _end_of(session.getpeercert(binary_form=True))

    async def _answered(self) -> Verdict:
        """The verdict on its answer to a GET without credentials."""
        clock = _Clock()
        with self._stage():
            async with (
                # trust_env would bring proxies, and passwords from ~/.netrc
                httpx.AsyncClient(
                    trust_env=False, verify=self._trust, timeout=self._limits.stage, follow_redirects=False
                ) as client,
                client.stream("GET", self._url, headers={"accept-encoding": "identity"}) as answer,
            ):
                size = 0
                async for piece in answer.aiter_raw():
                    size += len(piece)
                    if size >= MOST_BYTES:
                        break
        status = answer.status_code
        self._told.append(f"answered {status} in {clock}")
        if status >= 500:
            self._told.append("what runs there is in trouble")
            return Verdict.ILL
        if status >= 400:
            self._told.append("so it is reached")
            return Verdict.NOTED
        return Verdict.WELL

    @contextmanager
    def _stage(self) -> Iterator[None]:
        """What fails inside as a _StageError with words."""
        try:
            yield
        except (OSError, UnicodeError, httpx.HTTPError) as error:
            raise _StageError(in_words(error, self._limits.stage)) from error


def _port(url: str) -> int:
    """The port, which the settings hold to be one that can exist; that of the scheme where none is named."""
    parts = urlsplit(url)
    return parts.port or (443 if parts.scheme == "https" else 80)


def _end_of(certificate: bytes | None) -> datetime | None:
    """The certificate's notAfter; ``None`` where there is none that can be read."""
    if not certificate:
        return None
    from cryptography import x509

    try:
        return x509.load_der_x509_certificate(certificate).not_valid_after_utc.astimezone(UTC)
    except ValueError:
        return None


def _days(left: timedelta) -> str:
    if left < timedelta(0):
        return "the past"
    return f"{left.days} days" if left.days != 1 else "1 day"
