"""Runs the tests of the cryptographic module before all others, and in one process.

They start, finalise and count the one PKCS#11 library of the process. Tests of services keep tokens open for
as long as the run lasts, so the two do not go together in the other order.
"""

from __future__ import annotations

from pathlib import Path

import pytest

FIRST = Path(__file__).resolve().parents[1] / "core" / "module"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Put them in front; pytest-xdist (`--dist loadgroup`) gives a group to one process, in this order."""
    first = [item for item in items if item.path.is_relative_to(FIRST)]
    for item in first:
        item.add_marker(pytest.mark.xdist_group("module"))
    others = [item for item in items if not item.path.is_relative_to(FIRST)]
    items[:] = [*first, *others]
