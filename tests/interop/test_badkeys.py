"""badkeys (of the Badkeys project) on keys that were made badly: what it finds weak is refused here, and its
list of keys is read as it reads it itself.
"""

from __future__ import annotations

import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from weak_keys import biased_modulus, close_modulus, prime, roca_modulus

from trustworks.core.errors import Refused
from trustworks.issuance.model.key_lists import Naming, names_of_key
from trustworks.issuance.revocation.key_lists import read_key_list
from trustworks.issuance.rules.rsa_quality import check_rsa_quality

if TYPE_CHECKING:
    from pathlib import Path

pytestmark = pytest.mark.interop

CHECKS = ("fermat", "roca", "smallfactors", "rsapoly", "rsabias", "smalld", "rsainvalid")


def found_by_badkeys(modulus: int, exponent: int = 65537) -> set[str]:
    from badkeys.checks import checkrsa  # noqa: PLC0415 - it sets filters of warnings

    return set(checkrsa(modulus, e=exponent, checks=CHECKS))


@pytest.mark.parametrize(
    ("weakness", "modulus"),
    [
        ("fermat", close_modulus),
        ("roca", roca_modulus),
        ("smallfactors", lambda: 65521 * prime(1024 - 16, 0xFFFF << 1008 - 16)),
        ("rsapoly", biased_modulus),
    ],
)
def test_what_is_weak_to_badkeys_is_refused(weakness: str, modulus: Any) -> None:
    weak = modulus()
    assert weakness in found_by_badkeys(weak)
    with pytest.raises(Refused):
        check_rsa_quality(weak, 65537)


def test_a_short_private_exponent_needs_a_public_one_that_is_refused() -> None:
    key = rsa.generate_private_key(65537, 2048).private_numbers()
    short = prime(256)
    exponent = pow(short, -1, (key.p - 1) * (key.q - 1))
    modulus = key.p * key.q
    assert "smalld" in found_by_badkeys(modulus, exponent)
    with pytest.raises(Refused, match="exponent of"):
        check_rsa_quality(modulus, exponent)


def test_a_good_key_is_good_to_both() -> None:
    modulus = rsa.generate_private_key(65537, 3072).public_key().public_numbers().n
    assert found_by_badkeys(modulus) == set()
    check_rsa_quality(modulus, 65537)


def test_its_list_is_read_as_it_reads_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from badkeys.allkeys import block  # noqa: PLC0415
    from badkeys.checks import checkpubkey  # noqa: PLC0415
    from badkeys.utils import _cachedir  # noqa: PLC0415

    keys: list[Any] = [
        rsa.generate_private_key(65537, 2048).public_key(),
        ec.generate_private_key(ec.SECP256R1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
    ]
    spkis = [one.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) for one in keys]
    names = [names_of_key(one, [Naming.BADKEYS])[Naming.BADKEYS] for one in spkis]
    others = [hashlib.sha256(b"%d" % number).digest()[:15] for number in range(1000)]
    data = b"".join(name + b"\1" for name in sorted([*names, *others]))

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "badkeys").mkdir()
    (tmp_path / "badkeys/badkeysdata.json").write_text(
        json.dumps({"blocklists": [{"id": 1, "name": "ours"}]})
    )
    (tmp_path / "badkeys/blocklist.dat").write_bytes(data)
    _cachedir.cache_clear()
    monkeypatch.setattr(block, "_blmeta", False)
    monkeypatch.setattr(block, "_bldata", False)
    for key in keys:
        pem = key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()
        assert checkpubkey(pem, checks=["blocklist"])["results"]["blocklist"]["subtest"] == "ours"
    _cachedir.cache_clear()
    assert read_key_list(data) == (Naming.BADKEYS, sorted([*names, *others]))
