"""The benches of all profiles, made once."""

from __future__ import annotations

import pytest
from certificate_bench import Benches


@pytest.fixture(scope="session")
def benches() -> Benches:
    return Benches()
