"""What `trustworks lab` refuses before it makes anything."""

from __future__ import annotations

import os
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


def test_a_folder_of_somebody_elses_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").mkdir()
    (tmp_path / "secrets").mkdir(mode=0o755)
    with pytest.raises(Malformed, match="is not empty and is no laboratory") as caught:
        start(tmp_path)
    assert str(tmp_path) in str(caught.value)
    assert sorted(one.name for one in tmp_path.iterdir()) == ["letters", "secrets"]
    assert (tmp_path / "secrets").stat().st_mode & 0o777 == 0o755


def test_files_in_folders_that_a_laboratory_has_too_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "certs").mkdir()
    (tmp_path / "certs" / "mine.pem").touch()
    with pytest.raises(Malformed, match="no laboratory"):
        start(tmp_path)


def test_another_configuration_is_left_alone(tmp_path: Path) -> None:
    text = '[provider]\nname = "Not a laboratory"\n'
    (tmp_path / "trustworks.toml").write_text(text, encoding="utf-8")
    with pytest.raises(Malformed, match=r"trustworks\.toml is not a laboratory's"):
        start(tmp_path)
    assert [one.name for one in tmp_path.iterdir()] == ["trustworks.toml"]


@pytest.mark.parametrize("mode", [0o777, 0o1777, 0o775])
def test_a_folder_that_others_can_write_is_refused(tmp_path: Path, mode: int) -> None:
    folder = tmp_path / "lab"
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(Malformed, match=r"others can write .*chmod go-w"):
        start(folder)
    assert not list(folder.iterdir())


def test_the_folders_of_a_broken_off_set_up_are_taken_up(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab")
    places.check_folder(layout)
    places.make_folders(layout)
    layout.lock.touch()
    put(layout.softhsm2, places.softhsm2_text(layout.tokens))
    places.check_folder(layout)


def test_a_new_folder_is_its_owners_to_write_whatever_the_umask(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab")
    before = os.umask(0)
    try:
        places.make_folders(layout)
    finally:
        os.umask(before)
    places.check_folder(layout)
