"""`chatbot totp`, as a person on the bot's host meets it."""

import asyncio
import getpass
import os
import pty
import select
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import pyotp
import pytest
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet

from chatbot.cli import chatbot
from chatbot.totp import fresh_key
from storage import audit, totp
from storage.database import Database
from storage.totp import Enrolled

WHO = "U0ADMIN2"
AT_TERMINAL = """
import fcntl, signal, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C becomes a signal
signal.signal(signal.SIGINT, signal.default_int_handler)  # tests in a shell's background inherit that it is ignored
from chatbot.cli import main
main()
"""


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    return {
        "CHATBOT_CONFIG": "",
        "CHATBOT_DATABASE__URL": f"sqlite:///{tmp_path / 'chatbot.db'}",
        "CHATBOT_ROLES__ADMINS": '["U0ADMIN1", "U0ADMIN2"]',
        "CHATBOT_CHANNELS__OPS": "C0000OPS",
        "CHATBOT_TOTP__KEY": fresh_key(),
    }


def run(*words: str, environ: Mapping[str, str], typed: str = "") -> Result:
    return CliRunner().invoke(chatbot, ("totp", *words), env=environ, input=typed)


def stored(environ: Mapping[str, str]) -> tuple[list[Enrolled], list[str]]:
    """Who is enrolled, and the events of the audit."""

    async def work() -> tuple[list[Enrolled], list[str]]:
        database = Database(environ["CHATBOT_DATABASE__URL"])
        try:
            await database.prepare()
            return await database.read(
                lambda conn: (totp.everybody(conn), [each.event for each in audit.export(conn)])
            )
        finally:
            await database.close()

    return asyncio.run(work())


def secret_in(printed: str) -> str:
    return next(line.split()[-1] for line in printed.splitlines() if line.startswith("Secret:"))


@contextmanager
def enrolling(environ: Mapping[str, str], *words: str) -> Iterator["Terminal"]:
    """`chatbot totp enroll` at a real terminal, at its question for a first code."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_TERMINAL, "totp", "enroll", *words],
        env={**os.environ, **environ},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    terminal = Terminal(ours, process)
    try:
        terminal.sees("The six digits it shows now: ")
        yield terminal
    finally:
        process.kill()
        process.wait()
        os.close(ours)


class Terminal:
    """What a person reads and types."""

    def __init__(self, descriptor: int, process: "subprocess.Popen[bytes]") -> None:
        self._descriptor = descriptor
        self._process = process
        self._read = b""

    @property
    def printed(self) -> str:
        return self._read.decode(errors="replace")

    def sees(self, words: str) -> None:
        self._read_until(lambda: words in self.printed)

    def types(self, keys: str) -> None:
        os.write(self._descriptor, keys.encode())

    def ends(self) -> int:
        """Its exit status, soon after what was typed."""
        self._read_until(lambda: self._process.poll() is not None)
        return self._process.returncode

    def _read_until(self, there: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20
        while not there():
            assert time.monotonic() < deadline, f"still only: {self.printed}"
            self._take()
        self._take()  # what it said last

    def _take(self) -> None:
        readable, _, _ = select.select([self._descriptor], [], [], 0.05)
        with suppress(OSError):  # what Linux says when the other end is closed
            self._read += os.read(self._descriptor, 65536) if readable else b""


def test_a_key_is_printed_alone_so_that_it_can_be_piped(environ: dict[str, str]) -> None:
    result = run("key", environ=environ)
    assert result.exit_code == 0
    assert Fernet(result.stdout.removesuffix("\n"))
    assert "CHATBOT_TOTP__KEY" in result.stderr
    assert run("key", environ=environ).stdout != result.stdout


def test_enrolling_shows_the_secret_and_stores_it_once_its_first_code_was_typed(
    environ: dict[str, str],
) -> None:
    with enrolling(environ, WHO) as terminal:
        printed = terminal.printed
        secret = secret_in(printed)
        assert "▀" in printed
        assert f"otpauth://totp/Fleet%20chatbot:{WHO}?secret={secret}&issuer=Fleet%20chatbot" in printed
        assert stored(environ) == ([], [])
        terminal.types(pyotp.TOTP(secret).now() + "\n")
        assert terminal.ends() == 0, terminal.printed
    assert f"Enrolled for {WHO}." in terminal.printed
    (enrolled,), events = stored(environ)
    assert (enrolled.person, enrolled.enrolled_by) == (WHO, f"terminal:{getpass.getuser()}")
    assert Fernet(environ["CHATBOT_TOTP__KEY"]).decrypt(enrolled.sealed).decode() == secret
    assert events == ["totp enrolled"]


@pytest.mark.parametrize("typed", ["000000", "12345", "abcdef", "१२३४५६"])
def test_after_a_first_code_that_is_not_right_nothing_is_stored(typed: str, environ: dict[str, str]) -> None:
    result = run("enroll", WHO, environ=environ, typed=f"{typed}\n")
    if typed == pyotp.TOTP(secret_in(result.stdout)).now():
        pytest.skip("one time in a million the digits are right")
    assert result.exit_code == 2, result.output
    assert "nothing was enrolled" in result.stderr
    assert stored(environ) == ([], [])


def test_who_gives_up_at_the_question_leaves_at_once_and_enrolled_nothing(environ: dict[str, str]) -> None:
    with enrolling(environ, WHO) as terminal:
        terminal.types("\x03")
        assert terminal.ends() == 1
        assert "Traceback" not in terminal.printed
    assert run("enroll", WHO, environ=environ, typed="").exit_code == 1  # and so does the end of the input
    assert stored(environ) == ([], [])


def test_what_another_enrolled_meanwhile_is_not_replaced_unasked(environ: dict[str, str]) -> None:
    with enrolling(environ, WHO) as terminal:
        assert run("enroll", WHO, "--no-confirm", environ=environ).exit_code == 0
        before = stored(environ)
        terminal.types(pyotp.TOTP(secret_in(terminal.printed)).now() + "\n")
        assert terminal.ends() == 2
        assert "has an authenticator already" in terminal.printed
    assert stored(environ) == before


def test_only_an_admin_of_the_configuration_is_enrolled(environ: dict[str, str]) -> None:
    result = run("enroll", "U0NOBODY", "--no-confirm", environ=environ)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "U0NOBODY is no admin by the configuration" in result.stderr
    assert stored(environ) == ([], [])


def test_no_secret_is_shown_that_cannot_be_stored(environ: dict[str, str]) -> None:
    assert run("enroll", WHO, "--no-confirm", environ=environ).exit_code == 0
    before = stored(environ)
    result = run("enroll", WHO, environ=environ, typed="123456\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has an authenticator already: write --replace" in result.stderr
    result = run("enroll", WHO, environ={**environ, "CHATBOT_TOTP__KEY": "no key"})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "chatbot totp key makes one" in result.stderr
    result = run("enroll", WHO, environ={name: environ[name] for name in environ if "TOTP" not in name})
    assert (result.exit_code, result.stdout) == (2, "")
    assert "chatbot totp key makes" in result.stderr
    assert stored(environ) == before


def test_replacing_is_asked_for(environ: dict[str, str]) -> None:
    first = run("enroll", WHO, "--no-confirm", environ=environ)
    second = run("enroll", WHO, "--no-confirm", "--replace", environ=environ)
    assert second.exit_code == 0, second.output
    assert secret_in(second.stdout) != secret_in(first.stdout)
    (enrolled,), events = stored(environ)
    opened = Fernet(environ["CHATBOT_TOTP__KEY"]).decrypt(enrolled.sealed).decode()
    assert opened == secret_in(second.stdout)
    assert events == ["totp enrolled", "totp replaced"]


def test_the_list_tells_who_since_when_and_by_whom_and_no_secret(environ: dict[str, str]) -> None:
    assert run("list", environ=environ).stdout == "Nobody has one.\n"
    secret = secret_in(run("enroll", WHO, "--no-confirm", environ=environ).stdout)
    ((enrolled,), _) = stored(environ)
    result = run("list", environ={name: environ[name] for name in environ if "TOTP" not in name})
    since = f"{enrolled.enrolled_at:%Y-%m-%d %H:%M} UTC"
    assert result.stdout == f"{WHO}  since {since}, by terminal:{getpass.getuser()}\n"
    assert secret not in result.output
    assert enrolled.sealed not in result.output


def test_removing_needs_no_key_and_is_audited(environ: dict[str, str]) -> None:
    run("enroll", WHO, "--no-confirm", environ=environ)
    unkeyed = {name: environ[name] for name in environ if "TOTP" not in name}
    result = run("remove", WHO, environ=unkeyed)
    assert (result.exit_code, result.stdout) == (0, f"Removed for {WHO}.\n")
    assert stored(environ) == ([], ["totp enrolled", "totp removed"])
    result = run("remove", WHO, environ=unkeyed)
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has no authenticator here" in result.stderr


def test_mistakes_in_the_settings_are_told_and_end_with_2(environ: dict[str, str]) -> None:
    for words in (("enroll", WHO), ("list",), ("remove", WHO)):
        result = run(*words, environ={**environ, "CHATBOT_HTTP__PORT": "x"})
        assert (result.exit_code, result.stdout) == (2, "")
        assert "CHATBOT_HTTP__PORT" in result.stderr
        assert environ["CHATBOT_TOTP__KEY"] not in result.output


def test_a_database_that_cannot_be_used_is_a_sentence(environ: dict[str, str], tmp_path: Path) -> None:
    (tmp_path / "chatbot.db").write_bytes(b"no database" * 200)
    for words in (("enroll", WHO, "--no-confirm"), ("list",), ("remove", WHO)):
        result = run(*words, environ=environ)
        assert (result.exit_code, result.stdout) == (2, "")
        assert "not a SQLite database" in result.stderr


def test_the_bot_starts_without_what_only_codes_need() -> None:
    only = ("cryptography", "pyotp", "segno")
    code = f"import sys, chatbot.app, chatbot.cli; print([name for name in {only!r} if name in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    assert done.stdout.strip() == "[]"
