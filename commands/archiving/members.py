"""The members of an archive of evidence: what each is called, and what the manifest says of it."""

import hashlib
import io
import re
import tarfile
from collections.abc import Mapping
from typing import Any

CONFIGURATION = "configuration.json"
MANIFEST = "manifest.json"

_LATEST = 8**11 - 1  # seconds that the header of a member has room for


class Members:
    """The members of an archive that is being written, and what its manifest will say of them."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self.names = {CONFIGURATION, MANIFEST}
        self.told: list[Mapping[str, Any]] = []

    def add(self, name: str, content: bytes, *, mtime: float, **more: object) -> None:
        """One more member; ``more`` is what the manifest says of it besides its size and hash."""
        info = tarfile.TarInfo(name)
        info.size = len(content)
        info.mode = 0o600
        info.mtime = int(bounded(mtime))
        self._tar.addfile(info, io.BytesIO(content))
        self.names.add(name)
        digest = hashlib.sha256(content).hexdigest()
        self.told.append({"name": name, "size": len(content), "sha256": digest, **more})


def unique(name: str, taken: set[str]) -> str:
    """A safe name that no other member has."""
    wanted = _safe(name)
    stem, dot, suffix = wanted.rpartition(".") if "." in wanted else (wanted, "", "")
    found, number = wanted, 2
    while found in taken:
        found, number = f"{stem}-{number}{dot}{suffix}", number + 1
    return found


def _safe(name: str) -> str:
    """The end of a name, short and plain enough for every system and terminal."""
    return plain(name[-80:]) or "unnamed"


def plain(name: str) -> str:
    """The name, relative, without steps upwards, and of harmless characters only."""
    pieces = [re.sub(r"[^A-Za-z0-9._@+=-]", "_", each) for each in name.replace("\\", "/").split("/")]
    return "/".join(each for each in pieces if each not in {"", ".", ".."})


def bounded(mtime: float) -> float:
    """A time that headers and calendars have room for; a file can claim any."""
    return min(max(mtime, 0.0), _LATEST)
