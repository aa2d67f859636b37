"""A process that is killed during its login leaves SoftHSM2's token file empty; the token comes back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.module.library import Setup
from trustworks.core.module.softhsm import keep_tokens

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.module import Pkcs11Uri

pytestmark = pytest.mark.req("TRUSTWORKS:MODULE-TOKEN-RESTORED")


def token_files() -> set[Path]:
    configuration = Path(os.environ["SOFTHSM2_CONF"])
    return set((configuration.parent / "tokens").glob("*/token.object"))


def test_a_token_whose_file_was_emptied_is_there_again(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> None:
    before = token_files()
    uri = make_token()
    (file,) = token_files() - before
    with Module.open(uri, library=softhsm, read_write=True, lab=True) as module:
        module.generate_key_pair(label="kept", algorithm=KeyAlgorithm.P256)
    content = file.read_bytes()
    file.write_bytes(b"")  # as SoftHSM2 does before it writes, and a killed process then never does
    with Module.open(uri, library=softhsm, lab=True) as module:
        module.key("kept").sign(b"data")
    assert len(file.read_bytes()) == len(content)
    copy = file.with_name("token.object.kept")
    assert copy.stat().st_mode & 0o777 == 0o600


def test_the_copy_follows_the_file(tmp_path: Path) -> None:
    configuration = tmp_path / "softhsm2.conf"
    configuration.write_text(f"# comment\n directories.tokendir = {tmp_path}/tokens \n", encoding="utf-8")
    folder = tmp_path / "tokens" / "one"
    folder.mkdir(parents=True)
    file, copy = folder / "token.object", folder / "token.object.kept"
    setup = Setup(path=Path("/usr/lib/softhsm/libsofthsm2.so"), configuration=str(configuration))
    file.write_bytes(b"")
    keep_tokens(setup)
    assert not copy.exists()
    for content in (b"first", b"second, with another PIN"):
        file.write_bytes(content)
        keep_tokens(setup)
        assert copy.read_bytes() == content
    file.write_bytes(b"")
    keep_tokens(setup)
    assert file.read_bytes() == b"second, with another PIN"
    assert sorted(path.name for path in folder.iterdir()) == ["token.object", "token.object.kept"]


@pytest.mark.parametrize("text", ["", "directories.tokendir = ", "objectstore.backend = file\n"])
def test_without_a_folder_of_tokens_nothing_is_done(tmp_path: Path, text: str) -> None:
    configuration = tmp_path / "softhsm2.conf"
    keep_tokens(Setup(path=Path("/libsofthsm2.so"), configuration=str(configuration)))
    configuration.write_text(text, encoding="utf-8")
    keep_tokens(Setup(path=Path("/libsofthsm2.so"), configuration=str(configuration)))
    keep_tokens(Setup(path=Path("/libother.so"), configuration=str(configuration)))
    keep_tokens(Setup(path=Path("/libsofthsm2.so")))


def test_a_token_that_was_never_kept_is_absent(softhsm: Path, make_token: Callable[..., Pkcs11Uri]) -> None:
    before = token_files()
    uri = make_token()
    (file,) = token_files() - before
    file.with_name("token.object.kept").unlink(missing_ok=True)
    content = file.read_bytes()
    file.write_bytes(b"")
    try:
        with pytest.raises(Unavailable) as caught:
            Module.open(uri, library=softhsm, lab=True)
        assert caught.value.code == "module.token-absent"
        with Module.open(make_token(), library=softhsm, lab=True) as other:  # the others are not hidden by it
            assert other.random(8)
    finally:
        file.write_bytes(content)
