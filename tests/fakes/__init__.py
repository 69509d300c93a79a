"""Stand-ins for what lies outside: an OpenAI-compatible service on loopback, and what hostile ones say."""

import pytest

pytest.register_assert_rewrite("tests.fakes.asking")
