"""The code in the fleet's home: what is told of it, what is taken from it, and that nothing in it ever runs."""

import asyncio
import os
import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from commands.probes import git
from commands.probes.model import Finding, Places, Verdict

NOW = datetime(2026, 11, 24, 3, 12, tzinfo=UTC)
TODAY = NOW - timedelta(hours=3)
LONG_AGO = NOW - timedelta(days=5)

pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="no git on this machine")


class Repository:
    """A real repository, driven as its owner would."""

    def __init__(self, home: Path):
        self.home = home
        home.mkdir(exist_ok=True)
        self.run("init", "-q", "-b", "main")

    @property
    def places(self) -> Places:
        return places_of(self.home)

    def run(self, *words: str, at: datetime = LONG_AGO) -> str:
        env = {
            "PATH": os.environ["PATH"],
            "HOME": "/dev/null",
            "GIT_CONFIG_NOSYSTEM": "1",
            "GIT_AUTHOR_NAME": "Owner",
            "GIT_AUTHOR_EMAIL": "owner@example.com",
            "GIT_AUTHOR_DATE": at.isoformat(),
            "GIT_COMMITTER_NAME": "Owner",
            "GIT_COMMITTER_EMAIL": "owner@example.com",
            "GIT_COMMITTER_DATE": at.isoformat(),
        }
        done = subprocess.run(
            ["git", *words], cwd=self.home, env=env, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def write(self, name: str, content: str | bytes) -> Path:
        path = self.home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def commit(self, subject: str, *, at: datetime = LONG_AGO) -> str:
        self.run("add", "--all")
        self.run("commit", "-q", "-m", subject, at=at)
        return self.run("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    made = Repository(tmp_path / "fleet")
    made.write("config/bot-limits.json", '{"max": 1}\n')
    made.commit("Begin the fleet")
    return made


def places_of(home: Path) -> Places:
    return Places(home=home, logs=home / "logs", config=home / "config", backups=home / "backups")


def signs_of(findings: tuple[Finding, ...]) -> dict[str, bool]:
    return {sign: seen for each in findings for sign, seen in each.signs.items()}


# -- the state of the code


async def test_clean_and_old(repository: Repository) -> None:
    findings = await git.look(repository.places, now=NOW)
    short = repository.run("rev-parse", "HEAD")[:10]
    assert [each.text for each in findings] == [
        f"branch main: last commit {short} 5 days ago, “Begin the fleet”; none in the last 24 h",
        "every file is as in the last commit",
    ]
    assert signs_of(findings) == {"git.recent": False, "git.dirty": False}
    assert [each.verdict for each in findings] == [Verdict.NOTED, Verdict.WELL]


async def test_files_that_differ_are_counted_and_the_first_named(repository: Repository) -> None:
    repository.write("config/bot-limits.json", '{"max": 9}\n')
    for number in range(6):
        repository.write(f"new {number}.py", "")
    _, changes = await git.look(repository.places, now=NOW)
    assert changes.text == (
        "7 files differ from the last commit: config/bot-limits.json, new 0.py, new 1.py, new 2.py, new 3.py and 2 more"
    )
    assert changes.signs == {"git.dirty": True}


async def test_a_renamed_file_is_not_taken_for_two_names(repository: Repository) -> None:
    repository.run("mv", "config/bot-limits.json", "config/limits.json")
    _, changes = await git.look(repository.places, now=NOW)
    assert changes.text == ("2 files differ from the last commit: config/bot-limits.json, config/limits.json")


async def test_a_commit_of_today_is_recent_wherever_it_stands(repository: Repository) -> None:
    repository.write("a.py", "1")
    repository.commit("Change a strategy", at=TODAY)
    repository.write("a.py", "2")
    repository.commit("Applied from an old patch", at=LONG_AGO)
    commit, _ = await git.look(repository.places, now=NOW)
    assert commit.signs == {"git.recent": True}
    assert "5 days ago, “Applied from an old patch”; 1 commit in the last 24 h" in commit.text
    repository.write("a.py", "3")
    repository.commit("Another", at=TODAY)
    commit, _ = await git.look(repository.places, now=NOW)
    assert commit.signs == {"git.recent": True}
    assert "3 h ago, “Another”; 2 commits in the last 24 h" in commit.text


async def test_no_commit_yet(tmp_path: Path) -> None:
    repository = Repository(tmp_path / "fleet")
    repository.write("a.py", "")
    findings = await git.look(repository.places, now=NOW)
    assert findings[0].text == "branch main: nothing was committed yet"
    assert signs_of(findings) == {"git.recent": False, "git.dirty": True}


async def test_detached_and_dated_in_the_future(repository: Repository) -> None:
    repository.write("a.py", "")
    repository.run("checkout", "-q", repository.commit("Later", at=NOW + timedelta(days=1)))
    commit, _ = await git.look(repository.places, now=NOW)
    assert commit.text.startswith("no branch (detached): last commit ")
    assert "dated in the future" in commit.text
    assert commit.signs == {"git.recent": True}


async def test_secrets_and_control_characters_of_names_and_subjects_are_not_told(
    repository: Repository,
) -> None:
    repository.write("a.py", "")
    repository.commit("Use token=abcdef123456 \x1b[31mnow " + "x" * 200)
    repository.write("line\nbreak password=hunter2.txt", "")
    findings = await git.look(repository.places, now=NOW)
    told = " ".join(each.text for each in findings)
    assert "token=***" in told
    assert "password=***" in told
    assert not any(each in told for each in ("abcdef", "hunter2", "\n", "\x1b"))
    assert max(len(each.text) for each in findings) < 250


# -- where git does not tell


async def test_a_home_without_git_is_noted(tmp_path: Path) -> None:
    (finding,) = await git.look(places_of(tmp_path), now=NOW)
    assert (finding.verdict, finding.signs) == (Verdict.NOTED, {})
    assert "is under no git" in finding.text


async def test_a_repository_above_the_home_is_not_taken_for_its_own(repository: Repository) -> None:
    (finding,) = await git.look(places_of(repository.home / "config"), now=NOW)
    assert finding.verdict is Verdict.NOTED
    broken = repository.home / "config" / ".git"
    broken.mkdir()
    (finding,) = await git.look(places_of(repository.home / "config"), now=NOW)
    assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
    assert "not a git repository" in finding.text


@pytest.mark.parametrize("kind", ["file", "link"])
async def test_a_repository_elsewhere_is_not_followed(
    repository: Repository, tmp_path: Path, kind: str
) -> None:
    home = tmp_path / "other"
    home.mkdir()
    if kind == "file":
        (home / ".git").write_text(f"gitdir: {repository.home}/.git\n")
    else:
        (home / ".git").symlink_to(repository.home / ".git")
    (finding,) = await git.look(places_of(home), now=NOW)
    assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
    assert "points to a repository elsewhere" in finding.text


async def test_core_worktree_leads_nowhere_else(repository: Repository, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "private.txt").write_text("")
    repository.run("config", "core.worktree", str(outside))
    findings = await git.look(repository.places, now=NOW)
    assert findings[1].text == "every file is as in the last commit"


async def test_no_git_on_the_host(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    (finding,) = await git.look(repository.places, now=NOW)
    assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
    assert finding.text == "There is no git on this host, so the code was not looked at."
    with pytest.raises(LookupError, match="There is no git"):
        await git.revision_of(repository.places, "config/bot-limits.json", "main")


async def test_a_git_that_hangs_is_ended_with_its_children(
    repository: Repository, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    fake = tmp_path / "bin" / "git"
    fake.parent.mkdir()
    fake.write_text(f"#!/bin/sh\n/bin/sleep 600 &\necho $! > {tmp_path}/child\nwait\n")
    fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(fake.parent))
    (finding,) = await git.look(repository.places, now=NOW)
    assert finding.text == "git rev-parse did not answer in 5 s."
    assert finding.verdict is Verdict.UNKNOWN
    child = int((tmp_path / "child").read_text())
    async with asyncio.timeout(10):
        while _runs(child):  # noqa: ASYNC110 - it was killed, and ends when the system gets to it
            await asyncio.sleep(0.01)


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


async def test_more_output_than_is_read(repository: Repository) -> None:
    for number in range(1300):
        (repository.home / f"{'n' * 200}{number}").write_bytes(b"")
    _, changes = await git.look(repository.places, now=NOW)
    assert changes.verdict is Verdict.ILL
    assert changes.signs == {"git.dirty": True}
    assert "so many files differ" in changes.text


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a directory to somebody else")
async def test_a_repository_of_somebody_else(repository: Repository) -> None:
    for path in (repository.home, repository.home / ".git"):
        os.chown(path, 54_321, 54_321)
    (finding,) = await git.look(repository.places, now=NOW)
    assert (finding.verdict, finding.signs) == (Verdict.UNKNOWN, {})
    assert "belongs to another user" in finding.text
    with pytest.raises(LookupError, match="belongs to another user"):
        await git.recent(repository.places, "config/bot-limits.json", 3)


# -- a hostile repository


class Trap:
    """A program that leaves a marker when it runs, set wherever a repository can name one."""

    def __init__(self, repository: Repository, directory: Path):
        directory.mkdir()
        self.marker = directory / "it-ran"
        self.program = directory / "trap"
        self.program.write_text(f'#!/bin/sh\necho "$0 $*" >> {self.marker}\ncat\n')
        self.program.chmod(0o755)
        for name in ("post-index-change", "reference-transaction", "fsmonitor-watchman", "post-checkout"):
            shutil.copy(self.program, repository.home / ".git" / "hooks" / name)
        for key in (
            *("core.fsmonitor", "core.pager", "core.editor", "core.sshCommand", "core.askPass"),
            *("diff.external", "diff.evil.command", "diff.evil.textconv", "gpg.program"),
            *("pager.log", "pager.status", "credential.helper", "interactive.diffFilter"),
        ):
            repository.run("config", key, str(self.program))
        for key in ("alias.status", "alias.log", "alias.config"):
            repository.run("config", key, f"!{self.program}")
        repository.run("config", "log.showSignature", "true")
        repository.run("config", "core.hooksPath", str(repository.home / ".git" / "hooks"))

    def filter(self, repository: Repository, *, kind: str = "clean") -> None:
        repository.run("config", f"filter.evil=x.{kind}", str(self.program))


@pytest.fixture
def hostile(repository: Repository) -> Repository:
    repository.write(".gitattributes", "* filter=evil=x diff=evil\n")
    repository.commit("Attributes")
    # As large as before, so that git has to read it to see the difference, through a filter where one is set.
    repository.write("config/bot-limits.json", '{"max": 2}\n')
    return repository


async def everything(repository: Repository) -> tuple[Finding, ...]:
    findings = await git.look(repository.places, now=NOW)
    assert await git.revision_of(repository.places, "config/bot-limits.json", "HEAD") == b'{"max": 1}\n'
    assert await git.recent(repository.places, "config/bot-limits.json", 5)
    return findings


async def test_hooks_monitors_and_diffs_never_run(hostile: Repository, tmp_path: Path) -> None:
    trap = Trap(hostile, tmp_path / "trap")
    findings = await everything(hostile)
    assert not trap.marker.exists(), trap.marker.read_text()
    assert signs_of(findings) == {"git.recent": False, "git.dirty": True}


async def test_a_signature_is_not_checked(repository: Repository, tmp_path: Path) -> None:
    trap = Trap(repository, tmp_path / "trap")
    raw = repository.run("cat-file", "commit", "HEAD")
    head, _, message = raw.partition("\n\n")
    signed = repository.write("signed", f"{head}\ngpgsig -----BEGIN PGP SIGNATURE-----\n \n x\n\n{message}\n")
    repository.run("reset", "-q", "--hard", repository.run("hash-object", "-t", "commit", "-w", str(signed)))
    trap.marker.unlink(missing_ok=True)
    await everything(repository)
    assert not trap.marker.exists(), trap.marker.read_text()


@pytest.mark.parametrize("kind", ["clean", "process"])
async def test_a_filter_never_runs_and_no_file_is_compared(
    hostile: Repository, tmp_path: Path, kind: str
) -> None:
    trap = Trap(hostile, tmp_path / "trap")
    trap.filter(hostile, kind=kind)
    findings = await everything(hostile)
    assert not trap.marker.exists(), trap.marker.read_text()
    assert findings[1].verdict is Verdict.UNKNOWN
    assert f"(filter.evil=x.{kind})" in findings[1].text
    assert signs_of(findings) == {"git.recent": False}, "what is not looked at has no sign"


async def test_a_filter_in_an_included_file_is_seen(hostile: Repository, tmp_path: Path) -> None:
    trap = Trap(hostile, tmp_path / "trap")
    (hostile.home / ".git" / "more").write_text(f'[FILTER "evil=x"]\n\tClean = {trap.program}\n')
    hostile.run("config", "include.path", "more")
    findings = await everything(hostile)
    assert not trap.marker.exists(), trap.marker.read_text()
    assert findings[1].verdict is Verdict.UNKNOWN


async def test_a_missing_object_is_fetched_from_nowhere(repository: Repository, tmp_path: Path) -> None:
    trap = Trap(repository, tmp_path / "trap")
    for key, value in (
        ("core.repositoryFormatVersion", "1"),
        ("extensions.partialClone", "evil"),
        ("remote.evil.promisor", "true"),
        ("remote.evil.url", str(repository.home)),
        ("remote.evil.uploadpack", str(trap.program)),
        ("protocol.allow", "always"),
    ):
        repository.run("config", key, value)
    blob = repository.run("rev-parse", "HEAD:config/bot-limits.json")
    (repository.home / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(LookupError):
        await git.revision_of(repository.places, "config/bot-limits.json", "HEAD")
    assert not trap.marker.exists(), trap.marker.read_text()


async def test_a_submodule_with_a_filter_never_runs_it(repository: Repository, tmp_path: Path) -> None:
    inner = Repository(repository.home / "inner")
    inner.write(".gitattributes", "* filter=evil=x\n")
    inner.write("a.txt", "1")
    inner.commit("Inner")
    repository.write(".gitmodules", '[submodule "inner"]\n\tpath = inner\n\turl = ./inner\n\tignore = none\n')
    repository.commit("Add the inner one")
    trap = Trap(inner, tmp_path / "trap")
    trap.filter(inner)
    inner.write("a.txt", "2")
    findings = await git.look(repository.places, now=NOW)
    assert not trap.marker.exists(), trap.marker.read_text()
    assert signs_of(findings)["git.dirty"] is False


async def test_the_traps_are_real(hostile: Repository, tmp_path: Path) -> None:
    trap = Trap(hostile, tmp_path / "trap")
    trap.filter(hostile)
    hostile.run("-c", "core.fsmonitor=", "-c", "core.hooksPath=/dev/null", "status")
    assert "trap" in trap.marker.read_text(), "a git that is not held back runs the filter"


async def test_the_index_is_not_written(repository: Repository) -> None:
    path = repository.home / "config" / "bot-limits.json"
    os.utime(path, (1_000_000_000, 1_000_000_000))
    index = repository.home / ".git" / "index"
    before = (index.read_bytes(), index.stat().st_mtime_ns)
    await git.look(repository.places, now=NOW)
    assert (index.read_bytes(), index.stat().st_mtime_ns) == before


# -- a file as it was


async def test_the_bytes_of_a_revision(repository: Repository) -> None:
    first = repository.run("rev-parse", "HEAD")
    raw = b'{"max": 2}\r\n\xff\x00'
    repository.write("config/bot-limits.json", raw)
    repository.commit("Raise the limits", at=TODAY)
    repository.run("tag", "v1.0/good", first)
    for revision, wanted in (
        *((first, b'{"max": 1}\n'), (first[:7], b'{"max": 1}\n'), ("v1.0/good", b'{"max": 1}\n')),
        *(("main", raw), ("HEAD", raw)),
    ):
        assert await git.revision_of(repository.places, "config/bot-limits.json", revision) == wanted
    assert await git.revision_of(repository.places, "./config//bot-limits.json", "main") == raw


@pytest.mark.parametrize(
    "revision",
    ["", "-p", "--output=x", "main^", "HEAD~1", "a..b", "@{1}", "main:config", "a b", "main\n", "é"],
)
async def test_what_is_no_revision(repository: Repository, revision: str) -> None:
    with pytest.raises(LookupError, match="is no revision"):
        await git.revision_of(repository.places, "config/bot-limits.json", revision)


@pytest.mark.parametrize("path", ["", ".", "/etc/passwd", "../x", "config/../../x", "a\nb", "a\0b"])
async def test_what_is_no_path_inside_the_home(repository: Repository, path: str) -> None:
    with pytest.raises(LookupError, match="is no path inside"):
        await git.revision_of(repository.places, path, "main")
    with pytest.raises(LookupError, match="is no path inside"):
        await git.recent(repository.places, path, 3)


async def test_what_is_not_there(repository: Repository, tmp_path: Path) -> None:
    repository.write("large.json", b" " * (1024 * 1024 + 1))
    repository.write("exact.json", b" " * (1024 * 1024))
    (repository.home / "link.json").symlink_to("/etc/passwd")
    repository.commit("More")
    for path, revision, words in (
        ("config/bot-limits.json", "nobody", "There is no one commit nobody in the fleet's home."),
        ("config/bot-limits.json", "abcd", "There is no one commit abcd in the fleet's home."),
        ("config/other.json", "main", "There is no config/other.json in main."),
        ("*", "main", "There is no * in main."),
        ("config", "main", "config is no file in main."),
        ("link.json", "main", "link.json is no file in main."),
        ("large.json", "main", "large.json is larger than 1024 KiB there."),
    ):
        with pytest.raises(LookupError) as caught:
            await git.revision_of(repository.places, path, revision)
        assert str(caught.value) == words
    assert len(await git.revision_of(repository.places, "exact.json", "main")) == 1024 * 1024
    with pytest.raises(LookupError, match="is under no git"):
        await git.revision_of(places_of(tmp_path), "config/bot-limits.json", "main")


async def test_the_last_commits_of_a_path(repository: Repository) -> None:
    first = repository.run("rev-parse", "HEAD")
    repository.write("other.py", "")
    repository.commit("Something else")
    repository.write("config/bot-limits.json", "{}")
    last = repository.commit("Raise limits, password=hunter2", at=TODAY)
    places = repository.places
    assert await git.recent(places, "config/bot-limits.json", 5) == [
        (last, TODAY, "Raise limits, password=***"),
        (first, LONG_AGO, "Begin the fleet"),
    ]
    assert [each[0] for each in await git.recent(places, "config/bot-limits.json", 1)] == [last]
    assert await git.recent(places, "config/none.json", 5) == []
    assert await git.recent(places, ":(top)config", 5) == [], "a path is a path, never a pattern"


async def test_no_commit_touched_anything_yet(tmp_path: Path) -> None:
    assert await git.recent(Repository(tmp_path / "fleet").places, "a.json", 5) == []
