"""The manifest has one form, is signed as a whole, and is verified with a public key alone."""

from __future__ import annotations

import base64
import json
import os
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st
from integrity_testbed import Installation

from trustworks.assurance.integrity import manifest as module
from trustworks.assurance.integrity.making import make
from trustworks.assurance.integrity.manifest import Entry, assemble, read_file, signed, verified
from trustworks.assurance.integrity.verification_key import read_verification_key
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import jws

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.assurance.integrity.manifest import Manifest


@pytest.fixture(scope="module")
def bed(tmp_path_factory: pytest.TempPathFactory) -> Installation:
    return Installation(tmp_path_factory.mktemp("bed"))


def resigned(bed: Installation, lines: bytes, **changes: object) -> bytes:
    """A manifest of other lines, or of another statement, signed by the right key."""
    statement = {
        "build": "b",
        "entries": lines.count(b"\n"),
        "format": module.FORMAT,
        "roots": ["tree"],
        "sha256": sha256(lines).hexdigest(),
        "version": "1",
    } | changes
    octets = json.dumps(statement, separators=(",", ":"), sort_keys=True).encode()
    return jws.sign(octets, bed.signer, typ=module.TYP).encode() + b"\n" + lines


LINE = b'{"kind":"file","mode":"0000","path":"a","root":"tree","sha256":"' + b"0" * 64 + b'","size":1}\n'


def test_the_same_files_give_the_same_statement_and_lines(bed: Installation) -> None:
    one, other = bed.sign(), bed.sign()
    assert one.partition(b"\n")[2] == other.partition(b"\n")[2]
    assert one != other  # ECDSA draws a number for each signature
    read = [verified(content, bed.private.public_key()) for content in (one, other)]
    assert read[0].digest == read[1].digest
    assert read[0] == make([bed.place], version="1")


def test_the_order_does_not_depend_on_who_lists(bed: Installation) -> None:
    found = make([bed.place], version="1")
    again = assemble(reversed(found.entries), roots=["tree"], version="1", build=found.statement.build)
    assert again == found


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED")
def test_each_octet_of_a_manifest_is_signed(bed: Installation) -> None:
    content = bed.sign()
    key = bed.private.public_key()
    for place in range(0, len(content), 7):
        changed = content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]
        with pytest.raises((Rejected, Malformed)):
            verified(changed, key)
    for cut in (0, 1, content.index(b"\n"), content.index(b"\n") + 1, len(content) - 1):
        with pytest.raises((Rejected, Malformed)):
            verified(content[:cut], key)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED")
def test_entries_of_another_manifest_are_refused(bed: Installation) -> None:
    token, _, lines = bed.sign().partition(b"\n")
    with pytest.raises(Rejected, match="changed after it was signed") as caught:
        verified(token + b"\n" + lines.replace(b'"0111"', b'"0000"'), bed.private.public_key())
    assert caught.value.code == "integrity.entries"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-SIGNED")
def test_another_key_and_another_purpose_are_refused(bed: Installation) -> None:
    content = bed.sign()
    with pytest.raises(Rejected) as caught:
        verified(content, ec.generate_private_key(ec.SECP256R1()).public_key())
    assert caught.value.code == "integrity.signature"
    _, _, lines = content.partition(b"\n")
    octets = make([bed.place], version="1").statement.octets()
    other = jws.sign(octets, bed.signer, typ="roles-approval+jws").encode()
    with pytest.raises(Rejected):
        verified(other + b"\n" + lines, bed.private.public_key())


@pytest.mark.parametrize(
    ("lines", "changes", "words"),
    [
        (LINE, {"format": "trustworks-integrity/2"}, "Verify it by the version that it is of"),
        (LINE, {"format": 1}, "Verify it by the version that it is of"),
        (LINE, {"roots": "tree"}, "one form"),
        (LINE, {"roots": ["tree", "tree"]}, "one form"),
        (LINE, {"roots": None}, "members"),
        (LINE, {"entries": -1}, "members"),
        (LINE, {"entries": 2}, "tells of 2 entries and has 1"),
        (LINE, {"entries": True}, "members"),
        (LINE, {"more": 1}, "one form"),
        (LINE, {"sha256": "00"}, "members"),
        (LINE, {"version": ""}, "members"),
        (LINE, {"roots": ["other"]}, "wrong place"),
        (LINE + LINE, {}, "Line 3 of the manifest stands at a wrong place, or twice"),
        (LINE.replace(b'"a"', b'"b"') + LINE, {}, "Line 3"),
        (LINE[:-1], {"entries": 1}, "cut off"),
        (b"\n", {}, "Line 2 of the manifest is no JSON"),
        (b"[]\n", {}, "Line 2 of the manifest is no JSON object"),
        (b"[" * 100_000 + b"\n", {}, "Line 2"),
        (b"{}\n", {}, "Line 2 of the manifest is no entry"),
        (LINE.replace(b'"a"', b'"../a"'), {}, "no entry"),
        (LINE.replace(b'"a"', b'"/a"'), {}, "no entry"),
        (LINE.replace(b'"a"', b'"a//b"'), {}, "no entry"),
        (LINE.replace(b'"a"', b'"a\\u0000"'), {}, "no entry"),
        (LINE.replace(b'"a"', b'"\\ud800"'), {}, "no entry"),
        (LINE.replace(b'"a"', b'"\\u0061"'), {}, "one form"),
        (LINE.replace(b":1}", b":1.0}"), {}, "no entry"),
        (LINE.replace(b":1}", b":9007199254740992}"), {}, "no entry"),
        (LINE.replace(b":1}", b":" + b"9" * 5000 + b"}"), {}, "Line 2"),
        (LINE.replace(b'"0000"', b'"0755"'), {}, "no entry"),
        (LINE.replace(b'"0000"', b'"-001"'), {}, "no entry"),
        (LINE.replace(b'"0000"', b'"0"'), {}, "one form"),
        (LINE.replace(b"0" * 64, b"A" * 64), {}, "one form|no entry"),
        (LINE.replace(b'"file"', b'"pipe"'), {}, "no entry"),
        (LINE.replace(b'{"kind"', b'{ "kind"'), {}, "one form"),
    ],
)
def test_a_signed_manifest_of_another_form_is_refused(
    bed: Installation, lines: bytes, changes: dict[str, object], words: str
) -> None:
    with pytest.raises(Malformed, match=words):
        verified(resigned(bed, lines, **changes), bed.private.public_key())


def test_what_is_no_manifest_is_refused(bed: Installation, tmp_path: Path) -> None:
    for content in (b"", b"\n", b"a.b.c", b"a.b.c\n", b"..\n", b"\xff\xfe.\x00.\n", b"a.b.c.d\n" + LINE):
        with pytest.raises((Malformed, Rejected)):
            verified(content, bed.private.public_key())
    with pytest.raises(Malformed, match="cannot be read: No such file"):
        read_file(tmp_path / "none")
    with pytest.raises(Malformed, match="cannot be read: Is a directory"):
        read_file(tmp_path)


def test_a_manifest_without_an_end_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_OCTETS", 100)
    (tmp_path / "long").write_bytes(b"x" * 101)
    with pytest.raises(Malformed, match="it is none"):
        read_file(tmp_path / "long")


_paths = st.text(st.characters(exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1).filter(
    lambda one: one not in {".", ".."}
)


@given(st.lists(st.tuples(_paths, st.sampled_from([0, 0o111, 0o4111]), st.binary(max_size=3)), max_size=5))
def test_what_is_written_is_read_again(bed: Installation, files: list[tuple[str, int, bytes]]) -> None:
    entries = {
        path: Entry(root="tree", path=path, kind="file", mode=mode, size=len(c), sha256=sha256(c).hexdigest())
        for path, mode, c in files
    }
    made: Manifest = assemble(entries.values(), roots=["tree"], version="1", build="b")
    assert verified(signed(made, bed.signer), bed.private.public_key()) == made


@given(st.binary(max_size=200))
def test_no_octets_do_harm(bed: Installation, octets: bytes) -> None:
    for content in (octets, octets + b"\n" + LINE, resigned(bed, octets)):
        try:
            verified(content, bed.private.public_key())
        except (Malformed, Rejected):
            continue
        assert octets == b""  # a manifest without entries


# What is not signed


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FIT")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("pipe", "tree/lib/odd is no file"),
        ("out", "tree/lib/odd is a link to ../../public.pem, which no root covers"),
        ("octets", r"lib/\\udcff has a name that is no UTF-8"),
    ],
)
def test_what_cannot_be_vouched_for_is_not_signed(tmp_path: Path, name: str, words: str) -> None:
    bed = Installation(tmp_path)
    odd = bed.tree / "lib/odd"
    if name == "pipe":
        os.mkfifo(odd)
    elif name == "out":
        odd.symlink_to("../../public.pem")
    else:
        (bed.tree / os.fsdecode(b"lib/\xff")).write_bytes(b"")
    with pytest.raises(Rejected, match="1 of what lies here") as caught:
        bed.sign()
    assert words.replace(r"\\", "\\") in str(caught.value)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-INTEGRITY-FIT")
def test_a_link_to_another_root_is_signed(tmp_path: Path) -> None:
    bed = Installation(tmp_path)
    (tmp_path / "python").write_bytes(b"")
    (bed.tree / "bin/python").symlink_to(tmp_path / "python")
    with pytest.raises(Rejected):
        bed.sign()
    interpreter = replace(bed.place, root="interpreter", folder=tmp_path, only=("python",))
    found = make([bed.place, interpreter], version="1")
    assert found.statement.roots == ("interpreter", "tree")
    assert [one.name for one in found.entries if one.root == "interpreter"] == ["interpreter/python"]


# Keys


def test_a_key_is_read_as_itself_or_out_of_a_certificate(bed: Installation, tmp_path: Path) -> None:
    assert read_verification_key(bed.public_file) == bed.private.public_key()
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Release")])
    made = datetime(2026, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder(name, name, bed.private.public_key(), 1, made, made + timedelta(days=1))
        .sign(bed.private, hashes.SHA256())
        .public_bytes(Encoding.PEM)
    )
    (tmp_path / "certificate.pem").write_bytes(certificate)
    assert read_verification_key(tmp_path / "certificate.pem") == bed.private.public_key()


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "neither a public key nor a certificate"),
        (b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "neither"),
        (b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n", "neither"),
        (b"-----BEGIN PRIVATE KEY-----\n", "holds a private key"),
    ],
)
def test_what_is_no_public_key_is_refused(tmp_path: Path, content: bytes, words: str) -> None:
    (tmp_path / "key").write_bytes(content)
    with pytest.raises(Malformed, match=words):
        read_verification_key(tmp_path / "key")


def test_a_key_of_another_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="No such file"):
        read_verification_key(tmp_path / "none")
    key = dsa.generate_private_key(2048).public_key()
    (tmp_path / "key").write_bytes(key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    with pytest.raises((Malformed, Rejected)):
        read_verification_key(tmp_path / "key")


def test_the_statement_is_a_jws_that_anybody_reads(bed: Installation) -> None:
    header, payload, _ = bed.sign().partition(b"\n")[0].split(b".")
    told = [json.loads(base64.urlsafe_b64decode(one + b"==")) for one in (header, payload)]
    assert told[0]["typ"] == "trustworks-integrity+jws"
    assert told[1]["format"] == "trustworks-integrity/1"
