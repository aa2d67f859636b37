"""A configuration with two tokens, three custodians, and a key that has a backup."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest
from key_commands import CONFIGURATION, facts
from key_custodians import Custodians, make_custodians

from trustworks.core.module import documents

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri


@pytest.fixture(scope="module")
def custodians(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Custodians:
    return make_custodians(softhsm, make_token)


@pytest.fixture
def folder(
    tmp_path: Path, softhsm: Path, make_token: Callable[..., Pkcs11Uri], sqlite_template: Path
) -> Path:
    shutil.copy(sqlite_template, tmp_path / "state.sqlite")
    text = CONFIGURATION.format(library=softhsm, folder=tmp_path, issuing=make_token(), services=make_token())
    (tmp_path / "trustworks.toml").write_text(text, encoding="utf-8")
    return tmp_path


@pytest.fixture
def backup(folder: Path, custodians: Custodians) -> Path:
    """The backup of a key `ca` on the token `issuing`."""
    cards = []
    for card in custodians.cards:
        file = folder / f"{card.name}.json"
        file.write_bytes(documents.write(card))
        cards += ["--card", file]
    out = folder / "ca.backup.json"
    facts(
        folder,
        *("backup", "create", "--token", "issuing", "--label", "ca", "--algorithm", "P-256"),
        *(*cards, "--threshold", 2, "--out", out),
    )
    return out
