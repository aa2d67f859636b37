"""Trusted lists of our own, judged by others: the published schemas, xmlsec1."""

from __future__ import annotations

import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
from lxml import etree
from report_schema import faults_of_list
from trusted_list_house import open_house

from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.store import Database, StoreSettings

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from trusted_list_house import House

    from trustworks.core.module import Pkcs11Uri

pytestmark = pytest.mark.interop

TSL = "{http://uri.etsi.org/02231/v2#}"


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, softhsm: Path, make_token: Callable[..., Pkcs11Uri]
) -> Iterator[House]:
    """A house whose lists tell of the present and of the past: one of its units runs no more."""
    folder = tmp_path_factory.mktemp("lists")
    database = Database.open(StoreSettings(url=f"sqlite:///{folder}/store.db"))
    database.upgrade()
    with (
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as root,
        Module.open(make_token(), library=softhsm, read_write=True, lab=True) as issuing,
    ):
        root_key = root.generate_key_pair(label="root", algorithm=KeyAlgorithm.P384)
        issuing_key = issuing.generate_key_pair(label="issuing", algorithm=KeyAlgorithm.P256)
        with open_house(database, root_key, issuing_key, folder) as found:
            gone = found.unit("TSU 1")
            found.issue()
            found.provider.clock.advance(days=1)
            found.units.remove(gone)
            found.unit("TSU 2")
            found.issue()
            yield found
    database.close()


def test_both_lists_are_valid_by_the_published_schemas(house: House) -> None:
    for octets in house.octets():
        assert faults_of_list(octets) == []


def test_the_schemas_find_what_is_wrong_also_in_extensions(house: House) -> None:
    own, _ = house.octets()
    for found, wrong in (
        (b"<ServiceStatus>", b"<Unknown/><ServiceStatus>"),
        (b'assert="all"', b'assert="most"'),
    ):
        assert found in own
        assert faults_of_list(own.replace(found, wrong, 1)) != []


def verified(octets: bytes, signer: bytes, folder: Path) -> bool:
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.fail("xmlsec1 is not installed; run tools/setup")
    (folder / "list.xml").write_bytes(octets)
    (folder / "signer.der").write_bytes(signer)
    ids = ("--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties")
    key = ("--pubkey-cert-der", str(folder / "signer.der"))
    done = subprocess.run(
        [program, "--verify", *key, "--enabled-key-data", "key-name", *ids, str(folder / "list.xml")],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_xmlsec1_verifies_both_with_the_list_signers_certificate(house: House, tmp_path: Path) -> None:
    signer = house.lists.certificate()
    for octets in house.octets():
        assert verified(octets, signer, tmp_path)
        assert not verified(octets.replace(b"Trustworks TEST", b"Trustworks BEST", 1), signer, tmp_path)
    another = house.units[0].certificate
    assert not verified(house.octets()[0], another, tmp_path)


def test_the_signature_is_the_last_element_and_has_one_certificate(house: House) -> None:
    for octets in house.octets():
        root = etree.fromstring(octets)
        last = root[-1]
        assert etree.QName(last).localname == "Signature"
        assert len(last.findall(".//{*}X509Certificate")) == 1
        assert root.get("TSLTag") == "http://uri.etsi.org/19612/TSLTag"
