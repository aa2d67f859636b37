"""What `trustworks lab` refuses before it makes anything."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from closed_folder import closed
from laboratory import Lab, free_port

from trustworks.app.lab import configuration
from trustworks.app.lab import layout as places
from trustworks.app.lab.layout import Layout
from trustworks.app.lab.run import run
from trustworks.app.processes import serving
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.module import find_library
from trustworks.core.store.sqlite import LONGEST_PATH


def start(folder: Path, **options: Any) -> None:
    given = {"listen": None, "tls_listen": None, "clock": None, **options}
    run(folder, **given, setup_only=True)


@pytest.mark.parametrize(
    ("options", "word"),
    [
        ({"listen": "8080"}, "--listen: write HOST:PORT"),
        ({"listen": "a b:8080"}, "--listen: the host must be"),
        ({"tls_listen": "127.0.0.1:0"}, "--tls-listen: write HOST:PORT"),
        ({"listen": "a..b:8080"}, "--listen: the host must be"),
        ({"listen": "127.1:8080"}, "--listen: the host must be a whole IP address"),
        ({"tls_listen": "127.1:8443"}, "--tls-listen: the host must be a whole IP address"),
        ({"public_url": "tsp.example.com"}, "--public-url: write http:// or https:// and a host"),
        ({"public_url": "http://[::1"}, "--public-url: write http:// or https:// and a host"),
        ({"public_url": "https://u:p@h:443"}, "--public-url: write http:// or https:// and a host"),
        (
            {"listen": "127.0.0.1:8080", "tls_listen": "127.0.0.1:8080"},
            "listen (127.0.0.1:8080) and tls-listen (127.0.0.1:8080) are the same address",
        ),
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


@pytest.mark.parametrize("name", ["la b#1", "la=b", "la\nb", "la\rb", "la\udcffb"])
def test_a_folder_whose_name_softhsm2_would_cut_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(Malformed, match="--dir: SoftHSM2 could not find its tokens") as caught:
        start(tmp_path / name / "lab")
    assert str(caught.value).isprintable()
    assert not list(tmp_path.iterdir())


def folder_of(parent: Path, octets: int) -> Path:
    """A path of so many octets, not ASCII alone, to be made."""
    found = parent.joinpath(*((octets - len(str(parent)) - 8) // 201 * ["d" * 200]))
    left = octets - len(str(found)) - 1
    found /= "\u00fc" * (left // 2) + "e" * (left % 2)
    assert len(str(found).encode()) == octets
    return found


LONGEST = 1023 - len(f"directories.tokendir = {Layout(Path()).new_tokens}/")


def test_a_folder_whose_name_softhsm2_would_not_read_to_its_end_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match=r"--dir: SoftHSM2 could not find its tokens .* too long"):
        start(folder_of(tmp_path, LONGEST + 1))
    with pytest.raises(Unavailable, match=r"its path has \d+ octets, and SQLite opens none"):
        start(folder_of(tmp_path, LONGEST))
    assert not list(tmp_path.iterdir())


MAKE_TOKEN = """
import sys
from trustworks.core.module import initialise_token, token_labels
from trustworks.core.module.config import ModuleSettings
settings = ModuleSettings.model_validate({"softhsm2-conf": sys.argv[1]})
initialise_token(label="one", so_pin="an officer's pin", user_pin="a user's pin", settings=settings)
print(*token_labels(settings=settings))
"""


@pytest.mark.parametrize("octets", [0, 1])
def test_softhsm2_finds_tokens_in_the_longest_folder_and_in_no_longer_one(
    tmp_path: Path, octets: int
) -> None:
    try:
        find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    tokens = Layout(folder_of(tmp_path, LONGEST + octets)).new_tokens
    tokens.mkdir(parents=True)
    put(tmp_path / "softhsm2.conf", places.softhsm2_text(tokens))
    command = [sys.executable, "-c", MAKE_TOKEN, str(tmp_path / "softhsm2.conf")]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (made.stdout == "one\n") is (octets == 0), made.stderr
    assert len(list(tokens.iterdir())) == 1 - octets


def test_the_longest_folder_that_sqlite_opens_becomes_a_laboratory(tmp_path: Path) -> None:
    lab = Lab(folder_of(tmp_path, LONGEST_PATH - len("/state/trustworks.sqlite")))
    lab.folder.parent.mkdir(parents=True, exist_ok=True)
    made = lab.try_set_up()
    assert made.returncode == 0, made.stderr


def test_a_tilde_is_a_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "trustworks.toml").write_text('[provider]\nname = "Another"\n', encoding="utf-8")
    with pytest.raises(Malformed, match=f"{tmp_path}/trustworks.toml is not a laboratory's"):
        start(Path("~"))
    with pytest.raises(Malformed, match=r"--dir: there is no home of that name, ~nobody-of-this-name/lab"):
        start(Path("~nobody-of-this-name/lab"))


def begun(tmp_path: Path, text: str | None = None) -> Layout:
    layout = Layout(tmp_path / "lab")
    places.make_folders(layout)
    put(layout.config, text or configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab"))
    return layout


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"tls_listen": "127.0.0.1:8080"}, "are the same address"),
        ({"tls_listen": "0.0.0.0:8080"}, "are the same address"),
    ],
)
def test_a_good_configuration_is_not_replaced_by_one_that_is_not(
    tmp_path: Path, options: dict[str, str], words: str
) -> None:
    layout = begun(tmp_path)
    before = layout.config.read_bytes()
    with pytest.raises(Malformed, match=words) as caught:
        start(layout.folder, **options)
    assert str(caught.value).startswith(f"With these options {layout.config} has 1 problem(s):")
    assert layout.config.read_bytes() == before


def test_a_configuration_that_is_wrong_as_it_stands_is_told_without_options(tmp_path: Path) -> None:
    layout = begun(tmp_path, '[provider]\nlab = true\nname = "T."\n[http]\nlisten = "127.0.0.1"\n')
    with pytest.raises(Malformed, match=r"http\.listen: write HOST:PORT") as caught:
        start(layout.folder)
    assert str(caught.value).startswith(f"{layout.config} has 1 problem(s):")


@pytest.mark.parametrize(
    "line",
    [
        'listen = "127.0.0.1:{port}"  # ours',
        "listen = '127.0.0.1:{port}'",
        'listen="127.0.0.1:{port}"',
        '"listen" = "127.0.0.1:{port}"',
    ],
)
@pytest.mark.parametrize("key", ["listen", "tls-listen"])
def test_an_address_in_use_is_found_however_the_configuration_writes_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str, line: str
) -> None:
    monkeypatch.setattr(serving, "run", lambda *_given, **_named: pytest.fail("it would be served"))
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        text = configuration.config_text("127.0.0.1:1", "127.0.0.1:2", "lab")
        for one, old in (("listen", "1"), ("tls-listen", "2")):
            new = line.format(port=port) if one == key else f'listen = "127.0.0.1:{free_port()}"'
            new = new.replace("listen", one)
            text = text.replace(f'\n{one} = "127.0.0.1:{old}"\n', f"\n{new}\n")
        layout = begun(tmp_path, text)
        with pytest.raises(Unavailable, match=f"listens on 127.0.0.1:{port} already"):
            run(layout.folder, listen=None, tls_listen=None, clock=None)
    assert layout.config.read_text(encoding="utf-8") == text
    assert not layout.complete.exists()


def test_an_unreadable_configuration_is_told(tmp_path: Path) -> None:
    layout = begun(tmp_path)
    layout.config.write_bytes(b"\xff")
    with pytest.raises(Malformed, match="not UTF-8"):
        start(layout.folder)
    layout.config.unlink()
    layout.config.mkdir()
    with pytest.raises(Malformed, match=r"toml cannot be read: Is a directory\."):
        start(layout.folder)


def test_a_folder_that_may_not_be_entered_is_told(tmp_path: Path) -> None:
    layout = begun(tmp_path)
    layout.lock.touch()
    for folder in (layout.folder, layout.folder / "another"):
        with closed(tmp_path), pytest.raises(Unavailable, match=r"cannot be set up: .*Permission denied"):
            start(folder)


def test_a_clock_that_was_set_by_hand_is_not_guessed_at(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab")
    places.make_folders(layout)
    text = configuration.config_text("127.0.0.1:8080", "127.0.0.1:8443", "lab").replace(
        'mode = "lab"', "mode='lab'"
    )
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
    places.use_own_tokens(layout)
    places.check_folder(layout)


def test_a_new_folder_is_its_owners_to_write_whatever_the_umask(tmp_path: Path) -> None:
    layout = Layout(tmp_path / "lab")
    before = os.umask(0)
    try:
        places.make_folders(layout)
    finally:
        os.umask(before)
    places.check_folder(layout)
