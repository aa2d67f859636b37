"""The house of the matrix of signatures for all tests of a process: making it takes a second or two."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.core.module import Module

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from matrix_house import MatrixHouse

    from trustworks.core.module import Pkcs11Uri


@pytest.fixture(scope="session")
def matrix(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[MatrixHouse]:
    """The house of the matrix."""
    from matrix_house import open_matrix_house  # noqa: PLC0415 - most tests need none of what it imports

    base = tmp_path_factory.mktemp("matrix-house")
    with (
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as module,
        open_matrix_house(module, base) as house,
    ):
        yield house
