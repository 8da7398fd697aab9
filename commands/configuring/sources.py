"""Where a configuration file is taken from: a backup by its name, the latest good one, or a revision of git."""

from commands.apart import apart
from commands.configuring import keeping
from commands.configuring.keeping import Standing
from commands.probes import git
from commands.probes.files import Unreadable, read_whole
from commands.probes.model import Places
from commands.spec import UserError

LATEST = "latest"
GIT = "git:"
NOTHING = "Nothing was written."


async def settled(places: Places, source: str) -> str:
    """The source by its lasting name: for "latest" that of the newest unaltered backup. UserError without one."""
    if source != LATEST:
        return source
    newest = await apart(keeping.last_good, places)
    if newest is None:
        raise UserError(
            f"There is no unaltered backup: /config backup makes one, git:REVISION is another source. {NOTHING}"
        )
    return newest.name


NO_FILE = "-"


async def present(places: Places, file: str) -> str:
    """The SHA-256 of what is there now, or "-" where nothing can be read."""
    try:
        return keeping.digest(
            await apart(read_whole, places.config / file, places.home, most=keeping.MOST_BYTES)
        )
    except Unreadable:
        return NO_FILE


async def content(places: Places, file: str, source: str) -> bytes:
    """The bytes of that file there; UserError when there are none."""
    if source.startswith(GIT):
        relative = (places.config / file).relative_to(places.home).as_posix()
        try:
            return await git.revision_of(places, relative, source.removeprefix(GIT))
        except LookupError as error:
            raise UserError(f"{error.args[0]} {NOTHING}") from error
    backup = next((each for each in await apart(keeping.backups, places) if each.name == source), None)
    if backup is None:
        raise UserError(f"There is no backup named {source[:60]}: /config diff lists them. {NOTHING}")
    if backup.standing is Standing.ALTERED:
        raise UserError(
            f"The backup {source[:60]} is not as it was written, so nothing is taken from it. {NOTHING}"
        )
    return await apart(keeping.content, backup, file)
