"""Real documents: what is read of them, exactly; and that no damage to them does harm."""

from __future__ import annotations

import random
from collections import Counter
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest
from certificate_sources import downloaded

from trustworks.assurance.model import FactName, SourceKind, Status
from trustworks.assurance.sources import DEFAULT, READERS, read_any
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.assurance.model import Certificate
    from trustworks.assurance.sources import Imported

CORPUS: Final = Path(__file__).resolve().parents[4] / "shared" / "corpus"
PRODUCTS: Final = CORPUS / "products"
LISTS: Final = CORPUS / "trusted-lists"
EARLIER: Final = datetime(2024, 5, 24, tzinfo=UTC)


def octets(name: str, folder: Path = PRODUCTS) -> bytes:
    file = folder / name
    if not file.is_file():
        pytest.skip(f"NOT TESTED, because ../shared/corpus/{folder.name}/{name} is absent")
    return file.read_bytes()


def told(certificates: tuple[Certificate, ...], name: FactName) -> Counter[object]:
    return Counter(one.value for certificate in certificates for one in certificate.told(name))


def numbers(imported: Imported) -> list[str]:
    return [one.number for one in imported.certificates]


def test_the_records_of_cmvp() -> None:
    imported = read_any(octets("cmvp_sample.json"), downloaded())
    assert imported.kind is SourceKind.CMVP_RECORD
    assert imported.problems == ()
    assert sorted(map(int, numbers(imported))) == [
        *(2946, 3916, 4090, 4151, 4335, 4684, 4700, 4703, 4745, 4765, 4962, 5223),
    ]
    found = imported.certificates
    assert told(found, FactName.STANDARD) == {"FIPS 140-3": 7, "FIPS 140-2": 5}
    assert told(found, FactName.OVERALL_LEVEL) == {3: 12}
    assert told(found, FactName.STATUS) == {Status.ACTIVE: 12}
    by_number = {one.number: one for one in found}
    assert by_number["3916"].value(FactName.ENDS) == date(2026, 5, 2)
    assert by_number["4703"].value(FactName.ISSUED) == date(2024, 6, 6)
    assert by_number["4151"].value(FactName.AREA_LEVELS) == {}
    assert by_number["2946"].value(FactName.AREA_LEVELS) == {"Mitigation of Other Attacks": None}
    assert by_number["5223"].value(FactName.AREA_LEVELS) == {
        "Non-Invasive Security": None,
        "Operational Environment": None,
    }
    assert str(by_number["4962"].value(FactName.CAVEAT)).startswith("Interim validation. When operated")
    assert len(told(found, FactName.REPORT)) == 12


@pytest.mark.parametrize(
    ("name", "rows", "total", "status", "types"),
    [
        ("fips_modules_active.html", 5, 869, Status.ACTIVE, {"Software": 3, "Hardware": 2}),
        ("fips_modules_historical.html", 17, 3486, Status.HISTORICAL, {"Software": 12, "Hardware": 5}),
    ],
)
def test_the_lists_of_cmvp(name: str, rows: int, total: int, status: Status, types: dict[str, int]) -> None:
    imported = read_any(octets(name), downloaded())
    assert imported.kind is SourceKind.CMVP_LIST
    (problem,) = imported.problems
    assert f"{total} certificates, and lists {rows}" in problem.sentence
    assert len(set(numbers(imported))) == rows
    assert told(imported.certificates, FactName.STATUS) == {status: rows}
    assert told(imported.certificates, FactName.MODULE_TYPE) == types
    assert not told(imported.certificates, FactName.OVERALL_LEVEL)
    assert sum(told(imported.certificates, FactName.ISSUED).values()) == rows


def test_the_file_of_the_portal() -> None:
    data = octets("cc_products_active.csv")
    imported = read_any(data, downloaded())
    assert imported.kind is SourceKind.CC_PORTAL
    assert imported.problems == ()
    first, second, third = (
        imported.certificates
    )  # of four rows, two of which are one product and its maintenance
    assert [one.value(FactName.EAL) for one in (first, second, third)] == [3, 0, 0]
    assert first.value(FactName.AUGMENTED) == ("ALC_FLR.2",)
    assert [one.value(FactName.ENDS) for one in (first, second, third)] == [
        date(2025, 6, 15),
        date(2024, 11, 15),
        date(2024, 5, 24),
    ]
    assert told(imported.certificates, FactName.STATUS) == {Status.ARCHIVED: 3}
    assert "w/ " in str(third.value(FactName.PRODUCT))
    (maintained,) = third.told(FactName.MAINTENANCE)
    assert str(maintained.value).startswith("('2019-08-26: ")
    assert told(read_any(data, downloaded(retrieved=EARLIER)).certificates, FactName.STATUS) == {
        Status.ACTIVE: 3
    }


def test_the_metadata_of_eucc() -> None:
    imported = read_any(octets("eucc_metadata.json"), downloaded())
    assert imported.kind is SourceKind.EUCC
    assert imported.problems == ()
    (certificate,) = imported.certificates
    assert certificate.id == "eucc:EUCC-3087-2025-12-0001"
    assert certificate.value(FactName.ISSUED) == date(2025, 12, 19)
    assert certificate.value(FactName.ENDS) == date(2030, 12, 18)
    assert certificate.value(FactName.EAL) == 5
    assert certificate.value(FactName.AVA_VAN) == 5
    assert certificate.value(FactName.ASSURANCE_LEVEL) == "high"
    assert not certificate.told(FactName.PROTECTION_PROFILES)  # its line has a level in that place
    assert not certificate.told(FactName.STATUS)
    for one in ("@", "+49", "Godesberger", "Campeon"):
        assert one not in repr(imported)


def test_a_national_trusted_list() -> None:
    imported = read_any(octets("https___www_digst_dk_TSLDKxml", LISTS), downloaded())
    assert imported.kind is SourceKind.TRUSTED_LIST
    assert {one.territory for one in imported.services} == {"DK"}
    assert any(one.is_granted for one in imported.services)
    assert all(one.granted for one in imported.services if one.status.endswith("granted"))
    assert "@" not in repr([(one.provider, one.name, one.provenance.place) for one in imported.services])
    listing = read_any(octets("https___ec_europa_eu_tools_lotl_eu_lotl_xml", LISTS), downloaded())
    assert listing.services == ()
    assert "43 lists" in listing.problems[-1].sentence


def test_damage_does_no_harm() -> None:
    """A fixed sequence of damages; each gives certificates and problems, or an error of the house."""
    if not PRODUCTS.is_dir():
        pytest.skip("NOT TESTED, because ../shared/corpus/products is absent")
    files = [file.read_bytes() for file in sorted(PRODUCTS.iterdir())]
    tokens = (
        b'"',
        b"<",
        b"\0",
        b",",
        b"\n",
        b"{",
        b"]",
        b"&#x",
        b"\xff",
        b"</td>",
        b"<table>",
        b"9" * 5000,
        b"[at]",
    )
    chance = random.Random(7)  # noqa: S311 - reproducible, and nothing secret
    refused = 0
    for number in range(300):
        data = bytearray(files[number % len(files)])
        for _ in range(chance.randint(1, 6)):
            place = chance.randrange(len(data) + 1)
            match chance.randint(0, 3):
                case 0:
                    data[place:place] = chance.choice(tokens)
                case 1:
                    del data[place : place + chance.randint(1, 200)]
                case 2:
                    data[place : place + 1] = bytes([chance.randrange(256)])
                case _:
                    data[place:place] = data[chance.randrange(len(data) + 1) :][: chance.randint(1, 2000)]
        try:
            imported = read_any(bytes(data), downloaded())
        except Malformed:
            refused += 1
        else:
            assert len({one.id for one in imported.certificates}) == len(imported.certificates)
            repr(imported).encode()
    assert 0 < refused < 300


@pytest.mark.parametrize("kind", READERS, ids=str)
def test_each_reader_refuses_the_documents_of_others(kind: SourceKind) -> None:
    for name in (
        "cmvp_sample.json",
        "fips_modules_active.html",
        "cc_products_active.csv",
        "eucc_metadata.json",
    ):
        data = octets(name)
        if read_any(data, downloaded()).kind is not kind:
            with pytest.raises(Malformed):
                READERS[kind](data, downloaded(), DEFAULT)
