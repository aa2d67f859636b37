"""Trusted lists of our own, judged by others: the published schemas, xmlsec1, EU DSS; and read by ourselves.

Both validators find the signatures of the house's qualified certificates qualified, by these lists alone.
"""

from __future__ import annotations

import shutil
import subprocess
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from dss_judge import Case, judged
from issuance_testbed import PUBLIC_URL
from lxml import etree
from matrix_house import PROFILES
from report_schema import faults_of_list
from trusted_list_house import open_house

from trustworks.core.module import KeyAlgorithm, Module
from trustworks.core.pki.trusted_lists.refresh import Result
from trustworks.core.store import Database, StoreSettings
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.xades.creating import packaging
from trustworks.formats.xades.creating.signature import Options, prepare
from trustworks.issuance.status.crl import CrlPublisher
from trustworks.validation.given import trusted_of
from trustworks.validation.policies.policy import shipped
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.service import Validator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from datetime import datetime
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
            found.provider.clock.advance(hours=1)
            yield found
    database.close()


def publish(house: House) -> None:
    """The revocation lists of both authorities, as files."""
    provider = house.provider
    keys: dict[str, Any] = provider.keys.keys
    publisher = CrlPublisher(
        house.of,
        public_url=PUBLIC_URL,
        database=provider.database,
        recorder=provider.recorder,
        clock=provider.clock,
        keys=keys,
    )
    for name in keys:
        for one in publisher.publish_all(name, actor="test"):
            (house.base / f"{name}.crl").write_bytes(one.der)


def signed(house: House, profile: str, subject: str) -> Path:
    """A document that the holder of a certificate of a profile signed (XAdES)."""
    at = house.provider.clock.moment.replace(microsecond=0)
    certificate = house.certified(profile, profile, subject)
    prepared = prepare(
        packaging.enveloped(b"<contract/>"),
        (certificate,),
        Claims(signing_time=at),
        Options(scheme="ECDSA_SHA256"),
    )
    value = house.keys[profile].sign(prepared.dtbs.octets, ec.ECDSA(hashes.SHA256()))
    file = house.base / f"{profile}.xml"
    file.write_bytes(prepared.complete(value))
    return file


@pytest.fixture(scope="module")
def files(house: House) -> dict[str, Path]:
    """A signature by a certificate of each profile, and fresh revocation lists after all of them."""
    found = {profile: signed(house, profile, of.subject) for profile, of in PROFILES.items()}
    house.provider.clock.advance(hours=1)
    publish(house)
    return found


def at(house: House) -> datetime:
    """When all of it is judged."""
    return house.provider.clock.moment + timedelta(minutes=1)


def test_our_own_validator_reads_both_lists_and_finds_what_is_qualified(
    house: House, files: dict[str, Path], tmp_path: Path
) -> None:
    house.put_lists(tmp_path)
    outcomes = house.refreshed(tmp_path, at(house))
    assert [(one.territory, one.result) for one in outcomes] == [("EU", Result.NEW), ("XX", Result.NEW)]

    trusted = trusted_of([tmp_path / "store"], at(house))
    revocation = (token("R", (house.base / f"{one}.crl").read_bytes()) for one in ("root", "issuing"))
    extra = Extra(revocation=tuple(revocation))
    for profile, file in files.items():
        validator = Validator(
            policy=shipped(), trust=trusted.trust, lists=trusted.lists, extra=extra, at=at(house)
        )
        (found,) = validator.validate(Octets(file.read_bytes(), file.name)).plain()["signatures"]
        wanted = PROFILES[profile].ours
        assert (found["indication"], found["qualification"]) == ("TOTAL-PASSED", wanted), profile


@pytest.mark.parametrize("name", ["lotl.xml", "XX.xml"])
def test_our_own_store_takes_no_list_that_was_changed(house: House, tmp_path: Path, name: str) -> None:
    house.put_lists(tmp_path)
    tamper(tmp_path / name)
    found = {one.territory: one for one in house.refreshed(tmp_path, at(house))}
    territory = "EU" if name == "lotl.xml" else "XX"
    assert found[territory].result is Result.MISSING
    assert "not validly signed" in found[territory].words


def tamper(file: Path) -> None:
    """A service or pointer of another name, by somebody without the key."""
    changed = file.read_bytes().replace(b"Trustworks TEST", b"Trustworks BEST")
    assert changed != file.read_bytes()
    file.write_bytes(changed)


@pytest.fixture(scope="module")
def told(
    house: House, files: dict[str, Path], tmp_path_factory: pytest.TempPathFactory
) -> tuple[dict[str, dict[str, dict[str, Any]]], list[dict[str, Any]]]:
    """What EU DSS says to the lists, to them with one of them changed, and to the signed files.

    The answers about lists by what was changed, and by the names of files.
    """
    folders = {name: tmp_path_factory.mktemp("dss") for name in ("nothing", "lotl.xml", "XX.xml")}
    for name, folder in folders.items():
        house.put_lists(folder)
        if name != "nothing":
            tamper(folder / name)
    revocation = tuple(house.base / f"{one}.crl" for one in ("root", "issuing"))
    cases = [Case(file=file, lists=revocation, at=at(house)) for file in files.values()]
    of_lists, answered = judged(cases, folders["nothing"], house.for_dss(*folders.values()))
    found: dict[str, dict[str, dict[str, Any]]] = {name: {} for name in folders}
    for one in of_lists:
        (name,) = (name for name, folder in folders.items() if str(folder) == one["folder"])
        found[name][one["url"].rpartition("/")[2]] = one
    return found, answered


def test_eu_dss_reads_both_lists(told: tuple[dict[str, Any], list[Any]]) -> None:
    found = told[0]["nothing"]
    assert {name: (one["indication"], one["error"]) for name, one in found.items()} == {
        "lotl.xml": ("TOTAL_PASSED", ""),
        "XX.xml": ("TOTAL_PASSED", ""),
    }
    told_of = {name: (one["territory"], one["number"], one["services"]) for name, one in found.items()}
    assert told_of == {"lotl.xml": ("XX", 2, 0), "XX.xml": ("XX", 2, 4)}


def test_eu_dss_finds_what_is_qualified_by_them(told: tuple[dict[str, Any], list[Any]]) -> None:
    said = [one["signatures"][0] for one in told[1]]
    assert [(one["indication"], one["qualification"]) for one in said] == [
        ("TOTAL_PASSED", of.dss) for of in PROFILES.values()
    ]


@pytest.mark.parametrize("name", ["lotl.xml", "XX.xml"])
def test_eu_dss_finds_that_a_list_was_changed(told: tuple[dict[str, Any], list[Any]], name: str) -> None:
    found = told[0][name][name]
    assert (found["indication"], found["sub_indication"]) == ("TOTAL_FAILED", "HASH_FAILURE")


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
