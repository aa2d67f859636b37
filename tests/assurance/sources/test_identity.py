"""Which certificates may be a product's: proposed by name, alias or claim, with what speaks against each."""

from __future__ import annotations

from dataclasses import replace

import pytest
from certificate_sources import RETRIEVED, as_json, cmvp_record, downloaded

from trustworks.assurance.model import Certificate, Identity, Product, ProductKind
from trustworks.assurance.sources import aliases, match, read_any


def certificate(number: str = "9001", **changes: object) -> Certificate:
    (found,) = read_any(
        as_json(cmvp_record(certificate_number=number, **changes)), downloaded(retrieved=RETRIEVED)
    ).certificates
    return found


PRODUCT = Product(
    id="hsm-1",
    kind=ProductKind.MODULE,
    name="Beispiel K9",
    manufacturer="Beispiel AG",
    hardware="808-0002",
    firmware="7.7.1",
)
SEEN = Identity(
    at=RETRIEVED,
    manufacturer="Utimaco IS GmbH",
    model="CryptoServer",
    serial="1",
    hardware="5.2",
    firmware="6.5",
    library="libcs_pkcs11_R3.so",
    library_sha256="00" * 32,
    is_test_module=False,
)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-MATCH")
def test_what_has_no_name_alias_or_claim_is_not_proposed() -> None:
    other = certificate(module_name="Other HSM", vendor_name="Beispiel AG")
    assert match(PRODUCT, [other]) == ()
    assert match(replace(PRODUCT, name="HSM"), [other]) == ()
    assert match(replace(PRODUCT, name=""), [certificate()]) == ()


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-MATCH")
def test_nothing_is_proposed_for_a_test_module() -> None:
    claims = replace(SEEN, is_test_module=True, validations=("9001",))
    assert match(replace(PRODUCT, observed=claims), [certificate()]) == ()


def test_by_its_own_name_and_its_versions() -> None:
    (found,) = match(PRODUCT, [certificate(), certificate("7", module_name="Other")])
    assert found.certificate == "fips:9001"
    assert not found.claimed
    assert found.against == ()
    said = " ".join(found.reasons)
    assert "all words of 'beispiel k9'" in said
    assert "'Beispiel Module AG', the product's manufacturer" in said
    assert "firmware version '7.7.1' is on" in said
    assert "hardware version '808-0002' is on" in said


def test_another_version_speaks_against_it() -> None:
    (found,) = match(replace(PRODUCT, firmware="7.7.10"), [certificate()])
    assert found.against == (
        "Its firmware version '7.7.10' is not among those on the certificate: '7.7.1, 7.8.0'.",
    )


def test_what_nobody_told_is_said() -> None:
    bare = certificate(hardware_versions=..., firmware_versions=...)
    (found,) = match(PRODUCT, [bare])
    assert found.untold == (
        "No source of the certificate tells the hardware version.",
        "No source of the certificate tells the firmware version.",
    )
    (other,) = match(replace(PRODUCT, firmware=""), [certificate()])
    assert other.untold == ("Nobody told the product's firmware version.",)


def test_by_what_the_token_says_of_itself() -> None:
    product = replace(
        PRODUCT, name="The HSM in rack 4", manufacturer="", hardware="", firmware="", observed=SEEN
    )
    listed = certificate(
        "4151", module_name="u.trust Anchor", firmware_versions="6.5.1", hardware_versions="x"
    )
    (found,) = match(product, [listed, certificate(module_name="trust Anchor")])
    assert found.certificate == "fips:4151"
    assert "tokens that say Utimaco IS GmbH CryptoServer are listed as u.trust Anchor" in found.reasons[0]
    assert any("begins with '6.5'" in one for one in found.reasons)
    assert any("hardware version '5.2'" in one for one in found.against)


@pytest.mark.parametrize(
    "printed", ["4151", "#4151", "Cert. #4151", "Certificate 4151", "FIPS 140-2 #4151", "fips:4151"]
)
def test_what_the_module_claims_comes_first(printed: str) -> None:
    product = replace(PRODUCT, observed=replace(SEEN, validations=(printed,)))
    first, second = match(product, [certificate(), certificate("4151", module_name="Something")])
    assert (first.certificate, first.claimed) == ("fips:4151", True)
    assert (second.certificate, second.claimed) == ("fips:9001", False)


def test_the_better_candidate_comes_first() -> None:
    worse = certificate("1", firmware_versions="6.0.0")
    assert [one.certificate for one in match(PRODUCT, [worse, certificate()])] == ["fips:9001", "fips:1"]


def test_the_table_of_aliases_says_where_each_is_known_from() -> None:
    table = aliases()
    assert len({(one.manufacturer, one.model) for one in table}) == len(table)
    assert all(one.names and one.source for one in table)
    assert not any("softhsm" in one.manufacturer.casefold() for one in table)
