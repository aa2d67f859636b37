"""The store of objects: names that cannot leave the folder, bytes that cannot be written over."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.store import Objects
from trustworks.core.store.objects import check_name


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(tmp_path / "objects")


@pytest.mark.parametrize(
    "name",
    ["", "/", "..", "../x", "a/../b", "a//b", "/etc/passwd", "a/", ".staging/x", "A", "a b", "a\0b", "a\n",
     "ä", "a\\b", "x" * 129, "/".join("abcdefghi"), ".hidden", "a/.hidden"],
)  # fmt: skip
def test_names_that_are_refused(objects: Objects, name: str) -> None:
    for use in (lambda: objects.put(name, b""), lambda: objects.get(name), lambda: objects.exists(name)):
        with pytest.raises(Malformed, match="no name for an object"):
            use()


@given(st.text())
def test_no_name_leaves_the_folder(name: str) -> None:
    try:
        check_name(name)
    except Malformed:
        return
    assert not name.startswith("/")
    assert os.path.normpath(name) == name
    assert not name.startswith(".")


@pytest.mark.req("TRUSTWORKS:STORE-03")
def test_what_was_put_stays(objects: Objects) -> None:
    objects.put("crl/issuing/1.crl", b"one")
    objects.put("crl/issuing/1.crl", b"one")
    with pytest.raises(Rejected, match="another object") as caught:
        objects.put("crl/issuing/1.crl", b"two")
    assert caught.value.code == "store.exists"
    assert objects.get("crl/issuing/1.crl") == b"one"


def test_an_object_that_is_not_there(objects: Objects) -> None:
    assert not objects.exists("nothing")
    with pytest.raises(Rejected) as caught:
        objects.get("nothing")
    assert caught.value.code == "store.no-object"


def test_lists_are_in_order_and_hold_whole_objects_alone(objects: Objects, tmp_path: Path) -> None:
    for name in ("b/2", "a", "b/1"):
        objects.put(name, name.encode())
    (tmp_path / "objects" / ".staging" / "torn").write_bytes(b"half")
    assert list(objects.list()) == ["a", "b/1", "b/2"]
    assert list(objects.list("b")) == ["b/1", "b/2"]
    assert objects.exists("b/2")


@pytest.mark.req("TRUSTWORKS:STORE-03")
def test_bytes_and_name_are_synchronised_before_the_answer(
    objects: Objects, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synchronised: list[tuple[str, list[str]]] = []
    folder = tmp_path / "objects"

    def fsync(handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        synchronised.append((os.path.relpath(path, folder), sorted(objects.list())))

    monkeypatch.setattr(os, "fsync", fsync)
    objects.put("x/y", b"data")
    staged = next(path for path, _ in synchronised if path.startswith(".staging/"))
    # The new folder in its parent; the bytes, before the name is there; the name in its folder.
    assert synchronised == [(".", []), (staged, []), ("x", ["x/y"])]


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(Unavailable, match="failed") as caught:
        Objects(tmp_path / "file" / "objects")
    assert caught.value.code == "store.objects"
    objects = Objects(tmp_path / "objects")
    (tmp_path / "objects" / "a").touch()
    (tmp_path / "objects" / "loop").symlink_to("loop")
    for use in (
        lambda: objects.put("a/b", b""),
        lambda: objects.get("a/b"),
        lambda: objects.exists("a/b"),
        lambda: list(objects.list()),
    ):
        with pytest.raises(Unavailable, match="The objects' folder") as caught:
            use()
        assert caught.value.code == "store.objects"
        assert "\n" not in str(caught.value)
