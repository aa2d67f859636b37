"""One process at a time does an act, on whichever of the machines that share a database."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.store import Database
from trustworks.core.store.config import StoreSettings
from trustworks.core.store.exclusive import exclusively

if TYPE_CHECKING:
    from pathlib import Path


def test_of_two_that_share_a_database_one_has_the_turn(database: Database) -> None:
    with Database.open(database.settings) as elsewhere:
        with exclusively(database, "act-1") as first:
            assert first
            with exclusively(elsewhere, "act-1") as second, exclusively(elsewhere, "act-2") as other:
                assert (second, other) == (False, True)
            with database.begin(), elsewhere.read():
                pass  # who has the turn keeps nobody from the database
        with exclusively(elsewhere, "act-1") as second:
            assert second
        with pytest.raises(ZeroDivisionError), exclusively(database, "act-1"):
            raise ZeroDivisionError
        with exclusively(elsewhere, "act-1") as second:
            assert second


def test_a_folder_that_takes_no_turns_is_told(tmp_path: Path) -> None:
    (tmp_path / "turns").touch()
    settings = StoreSettings.model_validate({"url": f"sqlite:///{tmp_path / 'state.sqlite'}"})
    with (
        Database.open(settings) as database,
        pytest.raises(Unavailable, match="Let this account write there"),
        exclusively(database, "act-1"),
    ):
        pytest.fail("it was taken")
