"""PINs: out of files that nobody else can read, and never one that is in a manual."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.core.module import Module, Pkcs11Uri
from trustworks.core.module.pin import KNOWN_PINS, LEAST_PIN_LENGTH, check_pin, check_pin_file, read_pin


def pin_file(folder: Path, content: bytes = b"pa8-Xk2-qq1\n", mode: int = 0o600) -> Pkcs11Uri:
    file = folder / "token.pin"
    file.write_bytes(content)
    file.chmod(mode)
    return Pkcs11Uri(token="t", pin_source=f"file:{file}")


def test_a_uri_without_pin_source_is_told_how_to_name_one() -> None:
    with pytest.raises(Unavailable, match="pin-source=file:PATH") as caught:
        read_pin(Pkcs11Uri(token="t"))
    assert caught.value.code == "module.pin-absent"


def test_an_absent_file_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="No such file") as caught:
        read_pin(Pkcs11Uri(token="t", pin_source=f"file:{tmp_path / 'none'}"))
    assert caught.value.code == "module.pin-absent"


@pytest.mark.parametrize("source", ["|cat /etc/passwd", "file:|cat", "https://example.com/pin", "data:,1"])
def test_commands_and_other_schemes_are_not_followed(source: str) -> None:
    with pytest.raises(Malformed, match="not a file"):
        read_pin(Pkcs11Uri(token="t", pin_source=source))


@pytest.mark.parametrize("content", [b"", b"\n", b"one\ntwo\n", b"nul\0byte", b"x" * 2000])
def test_a_file_that_is_not_one_line_is_refused(tmp_path: Path, content: bytes) -> None:
    with pytest.raises(Malformed, match="one line"):
        read_pin(pin_file(tmp_path, content))


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-FILE-MODE")
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620, 0o602, 0o644, 0o601, 0o777])
def test_a_file_that_others_reach_is_refused(tmp_path: Path, mode: int) -> None:
    with pytest.raises(Refused, match="chmod 600") as caught:
        read_pin(pin_file(tmp_path, mode=mode))
    assert caught.value.requirement == "TRUSTWORKS:MODULE-PIN-FILE-MODE"


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-FILE-MODE")
def test_a_file_of_another_user_is_refused() -> None:
    with pytest.raises(Refused, match="belongs to user 1001"):
        check_pin_file(0o100600, 1001, 1000, Path("pin"))
    check_pin_file(0o100400, 1000, 1000, Path("pin"))
    check_pin_file(0o100600, 0, 1000, Path("pin"))


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-FILE-MODE")
def test_a_pipe_or_folder_is_refused_without_waiting_for_it(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe, 0o600)
    for path in (pipe, tmp_path):
        with pytest.raises(Refused, match="not a regular file"):
            read_pin(Pkcs11Uri(token="t", pin_source=f"file:{path}"))


@pytest.mark.parametrize("ending", [b"", b"\n", b"\r\n"])
def test_the_line_s_end_is_not_part_of_the_pin(tmp_path: Path, ending: bytes) -> None:
    assert read_pin(pin_file(tmp_path, b"pa8 Xk2-qq1" + ending)) == b"pa8 Xk2-qq1"


@pytest.mark.parametrize("form", ["file:{}", "file://{}", "file://localhost{}", "FILE:{}", "{}"])
def test_each_way_to_write_the_file_is_understood(tmp_path: Path, form: str) -> None:
    pin_file(tmp_path)
    assert read_pin(Pkcs11Uri(pin_source=form.format(tmp_path / "token.pin"))) == b"pa8-Xk2-qq1"


def test_a_relative_file_is_meant_from_the_configuration_s_folder(tmp_path: Path) -> None:
    pin_file(tmp_path)
    assert read_pin(Pkcs11Uri(pin_source="file:token.pin"), base=tmp_path) == b"pa8-Xk2-qq1"


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-STRENGTH")
@pytest.mark.parametrize(
    ("pin", "says"),
    [
        (b"", "fewer than"),
        (b"x9-Kq2z", "fewer than"),
        (b"0000000000", "fewer than 4 different"),
        (b"00000001", "fewer than 4 different"),
        (b"11112222", "fewer than 4 different"),
        (b"aaaaaaab", "fewer than 4 different"),
        (b"12341234", "block of characters repeated"),
        (b"x7K2x7K2x7K2", "block of characters repeated"),
        (b"23456789", "run of neighbours"),
        (b"hgfedcba", "run of neighbours"),
        (b"12345679", "run of neighbours"),
        (b"123456789a", "run of neighbours"),
        (b"qwertyuiop", "run of neighbours"),
        (b"LKJHGFDSA", "run of neighbours"),
        (b"yxcvbnm1", "run of neighbours"),
        (b"PassWord1", "known default"),
        (b"password1!", "known word"),
        (b"P@ssw0rd", "known word"),
        (b"p4$$word2026", "known word"),
        (b"!!Trustworks!!", "known word"),
        (b"5oftH5M!", "known word"),
        *((pin.encode(), "fewer than|known default") for pin in sorted(KNOWN_PINS)),
    ],
)
def test_a_known_or_short_pin_is_refused_outside_the_lab(pin: bytes, says: str) -> None:
    with pytest.raises(Refused, match=says) as caught:
        check_pin(pin, whose="the token", lab=False)
    assert caught.value.requirement == "TRUSTWORKS:MODULE-PIN-STRENGTH"
    if len(pin) >= LEAST_PIN_LENGTH:
        assert pin.decode() not in str(caught.value)
    check_pin(pin, whose="the token", lab=True)


@pytest.mark.parametrize("pin", ["q7Gd-2mXw", "83750264", "9f3c71ab", "48291test7350316"])
def test_a_random_pin_passes(pin: str) -> None:
    check_pin(pin.encode(), whose="the token", lab=False)


@pytest.mark.req("TRUSTWORKS:MODULE-PIN-STRENGTH")
def test_opening_a_module_looks_at_the_pin_before_the_token_does(softhsm: Path, tmp_path: Path) -> None:
    uri = pin_file(tmp_path, b"12345678")
    with pytest.raises(Refused, match="known default"):
        Module.open(uri, library=softhsm)
    with pytest.raises(Unavailable) as caught:
        Module.open(uri, library=softhsm, lab=True)
    assert caught.value.code == "module.token-absent"
