"""What `trustworks lab` refuses before it makes anything."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from trustworks.app.lab import layout as places
from trustworks.app.lab.layout import Layout
from trustworks.app.lab.run import run
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable

if TYPE_CHECKING:
    from pathlib import Path


def start(folder: Path, **options: Any) -> None:
    given = {"listen": None, "tls_listen": None, "clock": None, **options}
    run(folder, **given, setup_only=True)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"listen": "8080"}, "--listen: write HOST:PORT"),
        ({"listen": "a b:8080"}, "--listen: the host must be"),
        ({"tls_listen": "127.0.0.1:0"}, "--tls-listen: write HOST:PORT"),
        ({"public_url": "tsp.example.com"}, "--public-url: write http://HOST"),
        ({"public_url": "http://tsp.example.com/lab"}, "--public-url: write http://HOST"),
        ({"clock": "strict"}, "--clock is lab or enforce, not 'strict'"),
    ],
)
def test_a_wrong_option_is_told_and_nothing_is_made(
    tmp_path: Path, options: dict[str, str], word: str
) -> None:
    folder = tmp_path / "lab"
    with pytest.raises(Malformed) as caught:
        start(folder, **options)
    assert word in str(caught.value)
    assert not folder.exists()


def test_a_clock_that_was_set_by_hand_is_not_guessed_at(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab")
    places.make_folders(layout)
    text = places.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab").replace('mode = "lab"', "mode='lab'")
    put(layout.config, text)
    with pytest.raises(Malformed, match="mode by hand"):
        start(layout.folder, clock="enforce")
    assert layout.config.read_text(encoding="utf-8") == text


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="cannot be set up") as caught:
        start(tmp_path / "file" / "lab")
    assert caught.value.code == "lab.folder"
