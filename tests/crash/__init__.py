"""The bot is killed at every step and at random moments; what it accepted is carried out all the same, once."""

import pytest

pytest.register_assert_rewrite("tests.crash.scene")  # so that a failed verdict says what it saw
