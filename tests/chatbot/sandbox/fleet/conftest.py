"""What the tests of the reference fleet share."""

import pytest
from fleet_clock import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()
