"""A process that is killed during its login leaves SoftHSM2's token file cut short; the token comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module import KeyAlgorithm, Module, initialise_token, token_labels
from trustworks.core.module import library as libraries
from trustworks.core.module.library import Setup
from trustworks.core.module.softhsm import (
    SERIAL,
    attributes,
    check_tokens_whole,
    keep_token,
    restore_tokens,
    token_folder,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.module import Pkcs11Uri

pytestmark = pytest.mark.req("TRUSTWORKS:MODULE-TOKEN-RESTORED")


def token_files() -> set[Path]:
    configuration = Path(os.environ["SOFTHSM2_CONF"])
    return set((configuration.parent / "tokens").glob("*/token.object"))


def restart(softhsm: Path) -> None:
    """Let the library read its files as in a new process; else it goes by what it has in memory."""
    libraries.start_afresh(libraries.load(libraries.make_setup(library=softhsm)))


SOME = Path("/usr/lib/softhsm/libsofthsm2.so")


@pytest.fixture
def made(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> Iterator[tuple[Pkcs11Uri, Path]]:
    """A token that holds the key `kept`, and its file; without its copies afterwards."""
    before = token_files()
    uri = make_token()
    (file,) = token_files() - before
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as module:
        module.generate_key_pair(label="kept", algorithm=KeyAlgorithm.P256)
    content = file.read_bytes()
    yield uri, file
    file.write_bytes(content)


# 200: within the security officer's PIN; 224: between two attributes, where only the user's PIN is missing;
# 64: after the label; 319: the last octet alone.
@pytest.mark.parametrize("length", [0, 7, 64, 200, 224, 319])
def test_a_token_whose_file_was_cut_short_is_there_again(
    softhsm: Path, made: tuple[Pkcs11Uri, Path], length: int
) -> None:
    uri, file = made
    content = file.read_bytes()
    file.write_bytes(content[:length])  # SoftHSM2 empties the file, and writes it until it is killed
    restart(softhsm)
    with Module.open(uri, library=softhsm, lab=True) as module:
        module.key("kept").sign(b"data")
    assert len(file.read_bytes()) == len(content)
    copy, damaged = file.with_name("token.object.kept"), file.with_name("token.object.damaged")
    assert copy.stat().st_mode & 0o777 == 0o600
    assert len(copy.read_bytes()) == len(content)
    assert (damaged.read_bytes() if length else b"") == content[:length]


def test_zeros_are_no_token(softhsm: Path, made: tuple[Pkcs11Uri, Path]) -> None:
    uri, file = made
    file.write_bytes(bytes(len(file.read_bytes())))  # what a power cut leaves on some file systems
    restart(softhsm)
    with Module.open(uri, library=softhsm, lab=True) as module:
        module.key("kept").sign(b"data")


def test_a_file_under_which_no_login_succeeded_never_becomes_the_copy(
    softhsm: Path, made: tuple[Pkcs11Uri, Path]
) -> None:
    uri, file = made
    copy = file.with_name("token.object.kept")
    good, content = copy.read_bytes(), bytearray(file.read_bytes())
    content[-48] ^= 1  # where the user's PIN is proven: the file reads well, and takes no PIN
    file.write_bytes(content)
    restart(softhsm)
    with pytest.raises(Unavailable):
        Module.open(uri, library=softhsm, lab=True)
    assert copy.read_bytes() == good


def test_a_new_token_has_a_copy_before_its_first_login(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    before = token_files()
    uri = make_token()
    (file,) = token_files() - before
    assert file.with_name("token.object.kept").read_bytes() == file.read_bytes()
    file.write_bytes(b"")
    with Module.open(uri, library=softhsm, lab=True) as module:
        assert module.random(8)


def test_the_copy_follows_the_file_once_it_is_known_to_be_good(
    made: tuple[Pkcs11Uri, Path], tmp_path: Path
) -> None:
    whole = made[1].read_bytes()
    later = (int.from_bytes(whole[:8], "big") + 1).to_bytes(8, "big") + whole[8:]
    serial = attributes(whole)[SERIAL]
    assert isinstance(serial, bytes)
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"# comment\n directories.tokendir = {tmp_path}/tokens \n", encoding="utf-8")
    folder = tmp_path / "tokens" / "one"
    folder.mkdir(parents=True)
    file, copy = folder / "token.object", folder / "token.object.kept"
    setup = Setup(path=SOME, configuration=str(configuration))
    file.write_bytes(b"")
    restore_tokens(setup)
    assert not copy.exists()
    for content in (whole, later):
        file.write_bytes(content)
        restore_tokens(setup)
        keep_token(setup, "another's")
        assert not copy.exists() or copy.read_bytes() != content
        keep_token(setup, serial.decode())
        assert copy.read_bytes() == content
    cuts = [size for size in range(len(whole)) if attributes(whole[:size]).get(SERIAL) == serial]
    assert cuts  # as a login leaves it on a full disk: the serial number is there, the end is not
    for size in cuts:
        file.write_bytes(whole[:size])
        keep_token(setup, serial.decode())
        assert copy.read_bytes() == later
    file.write_bytes(whole)
    restore_tokens(setup)
    assert file.read_bytes() == whole  # a good file is left as it is, though it differs from its copy
    file.write_bytes(b"")
    restore_tokens(setup)
    assert file.read_bytes() == later
    assert sorted(path.name for path in folder.iterdir()) == ["token.object", "token.object.kept"]
    file.write_bytes(b"cut")
    copy.write_bytes(b"cut too")  # no better: the damaged file stays
    restore_tokens(setup)
    assert file.read_bytes() == b"cut"
    with pytest.raises(Unavailable, match=f"{file} is damaged"):
        check_tokens_whole(setup)


@pytest.mark.parametrize(
    ("text", "folder"),
    [
        ("directories.tokendir = /a\n", "/a"),
        ("directories.tokendir=/a b\t# ours\r\n", "/a b"),
        ("directories.tokendir = /a\n# directories.tokendir = /b\n", "/a"),
        ("directories.tokendir = /a\ndirectories.tokendir = /b\n", "/b"),
        ("directories.tokendir =\nlog.level = ERROR\n", None),
        ("directories.tokendir = /a\0b\n", None),
    ],
)
def test_the_folder_of_tokens_is_the_one_that_softhsm2_uses(
    tmp_path: Path, text: str, folder: str | None
) -> None:
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(text, encoding="utf-8")
    assert token_folder(configuration) == (None if folder is None else Path(folder))


@pytest.mark.parametrize("text", ["", "directories.tokendir = ", "objectstore.backend = file\n"])
def test_without_a_folder_of_tokens_nothing_is_done(tmp_path: Path, text: str) -> None:
    configuration = tmp_path / "softhsm2.conf"
    restore_tokens(Setup(path=Path("/libsofthsm2.so"), configuration=str(configuration)))
    configuration.write_text(text, encoding="utf-8")
    restore_tokens(Setup(path=Path("/libsofthsm2.so"), configuration=str(configuration)))
    restore_tokens(Setup(path=Path("/libother.so"), configuration=str(configuration)))
    restore_tokens(Setup(path=Path("/libsofthsm2.so")))


@pytest.mark.parametrize("length", [0, 200])
def test_a_damaged_token_without_a_copy_is_named(
    softhsm: Path, made: tuple[Pkcs11Uri, Path], make_token: Callable[..., Pkcs11Uri], length: int
) -> None:
    uri, file = made
    beside = make_token()
    file.with_name("token.object.kept").unlink()
    content = file.read_bytes()
    file.write_bytes(content[:length])
    if length == 0:  # beneath a library that runs
        with pytest.raises(Unavailable, match=f"{file} is damaged .* from a backup") as caught:
            Module.open(uri, library=softhsm, lab=True)
    restart(softhsm)
    with pytest.raises(Unavailable, match=f"{file} is damaged .* from a backup") as caught:
        Module.open(uri, library=softhsm, lab=True)
    assert caught.value.code == "module.token-damaged"
    assert "init-token" not in str(caught.value)
    with Module.open(beside, library=softhsm, lab=True) as other:  # the others are not hidden by it
        assert other.random(8)


def test_no_second_token_is_made_of_the_label_of_one_whose_file_was_cut_short(
    softhsm: Path, made: tuple[Pkcs11Uri, Path]
) -> None:
    uri, file = made
    file.write_bytes(b"")
    restart(softhsm)
    with pytest.raises(Rejected) as caught:
        initialise_token(softhsm, label=str(uri.token), so_pin="Qw3-zz98-aa", user_pin="Rt5-yy76-bb")
    assert caught.value.code == "module.token-exists"
    with Module.open(uri, library=softhsm, lab=True) as module:
        module.key("kept").sign(b"data")


def test_while_a_token_is_damaged_none_is_made_and_nobody_is_told_which_there_are(
    softhsm: Path, made: tuple[Pkcs11Uri, Path]
) -> None:
    uri, file = made
    file.with_name("token.object.kept").unlink()
    file.write_bytes(b"")
    restart(softhsm)
    tokens = token_files()
    for label in (str(uri.token), "quite another"):  # whose the file was cannot be seen
        with pytest.raises(Unavailable, match=f"{file} is damaged .* from a backup") as caught:
            initialise_token(softhsm, label=label, so_pin="Qw3-zz98-aa", user_pin="Rt5-yy76-bb")
        assert caught.value.code == "module.token-damaged"
    with pytest.raises(Unavailable, match=f"{file} is damaged"):
        token_labels(softhsm)
    assert token_files() == tokens
