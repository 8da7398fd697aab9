"""Where conversations with crashes take place, over a copy of the template database."""

from pathlib import Path

import pytest

from tests.crash.scene import Scene


@pytest.fixture
def scene(template: Path, tmp_path: Path) -> Scene:
    """Where conversations with crashes take place."""
    return Scene(data=tmp_path, template=template)
