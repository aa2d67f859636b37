"""Signed data that `openssl cms` made is read as what it signed; what that refuses does not verify here.

OpenSSL 3.0 makes no CMS with EdDSA, and streams none with RSASSA-PSS.
"""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from trustworks.core.errors import Malformed
from trustworks.formats.data import Octets, Stored
from trustworks.formats.read import read
from trustworks.formats.verification import signing_certificate

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.formats.evidence import Evidence

pytestmark = pytest.mark.interop

KEYS = {
    "rsa": ["-newkey", "rsa:2048"],
    "p256": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"],
    "p521": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-521"],
    "brainpool": ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:brainpoolP384r1"],
}
PSS = ["-keyopt", "rsa_padding_mode:pss"]
CASES = {
    "rsa sha256": ("rsa", ["-md", "sha256"]),
    "rsa md5": ("rsa", ["-md", "md5"]),
    "rsa sha1": ("rsa", ["-md", "sha1"]),
    "rsa sha3-512": ("rsa", ["-md", "sha3-512"]),
    "rsa pss": ("rsa", ["-md", "sha384", *PSS]),
    "rsa pss, another mask and salt": (
        "rsa",
        ["-md", "sha256", *PSS, "-keyopt", "rsa_pss_saltlen:11", "-keyopt", "rsa_mgf1_md:sha1"],
    ),
    "rsa pss sha1, all defaults": (
        "rsa",
        ["-md", "sha1", *PSS, "-keyopt", "rsa_pss_saltlen:20", "-keyopt", "rsa_mgf1_md:sha1"],
    ),
    "key identifier": ("rsa", ["-keyid"]),
    "without attributes": ("rsa", ["-noattr"]),
    "ecdsa p256": ("p256", ["-md", "sha256"]),
    "ecdsa p521 sha512": ("p521", ["-md", "sha512"]),
    "ecdsa brainpool sha384": ("brainpool", ["-md", "sha384"]),
    "ecdsa without attributes": ("p256", ["-noattr", "-md", "sha384"]),
}
SHAPES = {
    "detached": [],
    "inside": ["-nodetach"],
    "inside, streamed": ["-nodetach", "-stream", "-indef"],
    "referring": ["-nodetach", "-cades"],
    "in PEM": ["-nodetach", "-outform", "PEM"],
}
CONTENT = b"signed by openssl\r\n" * 3000


def openssl(*arguments: object, cwd: Path, refused: bool = False) -> bytes:
    done = subprocess.run(
        ["openssl", *map(str, arguments)], cwd=cwd, capture_output=True, check=False, timeout=60
    )
    assert (done.returncode != 0) is refused, done.stderr.decode()
    return done.stdout


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a key and a certificate of every kind, and what is to be signed."""
    folder = tmp_path_factory.mktemp("cades")
    for name, options in KEYS.items():
        openssl(
            *("req", "-x509", *options, "-nodes", "-keyout", f"{name}.key", "-out", f"{name}.crt"),
            *("-subj", f"/CN={name}", "-days", "30"),
            cwd=folder,
        )
    (folder / "content").write_bytes(CONTENT)
    return folder


def sign(house: Path, key: str, *options: str) -> bytes:
    outform = [] if "-outform" in options else ["-outform", "DER"]
    return openssl(
        *("cms", "-sign", "-binary", "-in", "content", "-signer", f"{key}.crt", "-inkey", f"{key}.key"),
        *(*options, *outform),
        cwd=house,
    )


def intact(found: Evidence) -> list[bool]:
    outcomes = []
    for signature in found.signatures:
        chosen = signing_certificate(signature, found)
        value = chosen is not None and chosen.verifies is True
        outcomes.append(
            value
            and chosen is not None
            and chosen.identified is True
            and not signature.findings
            and signature.references[0].intact
        )
    return outcomes


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("case", CASES)
def test_what_openssl_signed_is_intact(house: Path, case: str, shape: str) -> None:
    key, options = CASES[case]
    if "-noattr" in options and shape == "referring":
        pytest.skip("-noattr leaves the reference out, which -cades adds")
    if PSS[1] in options and shape == "inside, streamed":
        pytest.skip("OpenSSL 3.0 cannot stream RSASSA-PSS")
    octets = sign(house, key, *options, *SHAPES[shape])
    detached = [Stored(house / "content")] if shape == "detached" else []
    found = read(Octets(octets), detached=detached)
    assert intact(found) == [True]
    if shape == "referring":
        assert found.signatures[0].level == "CAdES-BASELINE-B"
        chosen = signing_certificate(found.signatures[0], found)
        assert chosen is not None
        assert chosen.reference is not None
        assert chosen.reference.holds


def test_several_signers_of_one_content_are_several_signatures(house: Path) -> None:
    octets = openssl(
        *("cms", "-sign", "-binary", "-nodetach", "-in", "content", "-outform", "DER"),
        *(
            part
            for key in ("rsa", "p256", "brainpool")
            for part in ("-signer", f"{key}.crt", "-inkey", f"{key}.key")
        ),
        cwd=house,
    )
    assert intact(read(Octets(octets))) == [True, True, True]


def test_a_second_signer_over_detached_data(house: Path) -> None:
    (house / "first").write_bytes(sign(house, "rsa", "-cades"))
    octets = openssl(
        *("cms", "-resign", "-inform", "DER", "-in", "first", "-outform", "DER", "-md", "sha256"),
        *("-signer", "p521.crt", "-inkey", "p521.key"),
        cwd=house,
    )
    assert intact(read(Octets(octets), detached=[Stored(house / "content")])) == [True, True]


@pytest.mark.parametrize("place", range(60, 1100, 53))
def test_what_openssl_refuses_for_a_changed_octet_does_not_verify(house: Path, place: int) -> None:
    octets = bytearray(sign(house, "rsa", "-nodetach"))
    content = octets.index(CONTENT[:100])
    at = place if place < content else len(octets) - place
    octets[at] ^= 1
    (house / "changed").write_bytes(octets)
    done = subprocess.run(
        [
            "openssl",
            "cms",
            "-verify",
            "-noverify",
            "-binary",
            "-inform",
            "DER",
            "-in",
            "changed",
            "-out",
            "/dev/null",
        ],
        cwd=house,
        capture_output=True,
        check=False,
        timeout=60,
    )
    try:
        here = all(intact(read(Octets(bytes(octets)))))
    except Malformed:
        here = False
    # What OpenSSL cannot parse of the unsigned parts, such as a certificate's names, does no harm here.
    assert not here or done.returncode == 0 or b"asn1" in done.stderr
