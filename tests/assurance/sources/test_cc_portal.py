"""The CSV files of the Common Criteria Portal, with all that real ones have wrong."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from certificate_sources import CC_COLUMNS, RETRIEVED, cc_row, downloaded, table

from trustworks.assurance.model import Conflict, FactName, SourceKind, Status
from trustworks.assurance.sources import Limits, merge, read_any
from trustworks.assurance.sources import cc_portal as portal
from trustworks.core.errors import BeyondLimit, Malformed

if TYPE_CHECKING:
    from trustworks.assurance.model import Certificate
    from trustworks.assurance.sources import Imported


def read(data: bytes, retrieved: datetime = RETRIEVED) -> Imported:
    imported = read_any(data, downloaded("portal.csv", retrieved))
    assert imported.kind is SourceKind.CC_PORTAL
    return imported


def only(imported: Imported) -> Certificate:
    (certificate,) = imported.certificates
    return certificate


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CC")
def test_a_row_becomes_a_certificate() -> None:
    imported = read(table([cc_row()]))
    assert imported.problems == ()
    certificate = only(imported)
    assert certificate.number.startswith("DE-2025-02-28-")
    assert {one.name: one.value for one in certificate.facts} == {
        FactName.PRODUCT: "Beispiel HSM w/ Firmware 3.1",
        FactName.HOLDER: "Beispiel Module AG",
        FactName.SCHEME: "DE",
        FactName.CATEGORY: "Products for Digital Signatures",
        FactName.ISSUED: date(2025, 2, 28),
        FactName.ENDS: date(2030, 2, 28),
        FactName.STATUS: Status.ACTIVE,
        FactName.EAL: 4,
        FactName.AUGMENTED: ("ALC_FLR.2", "AVA_VAN.5"),
        FactName.AVA_VAN: 5,
        FactName.PROTECTION_PROFILES: ("EN 419221-5:2018",),
        FactName.REPORT: "https://www.commoncriteriaportal.org/files/epfiles/Report 1.pdf",
        FactName.TARGET: "https://www.commoncriteriaportal.org/files/epfiles/Target 1.pdf",
    }
    assert certificate.facts[0].provenance.place == "line 2"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CC")
def test_rows_of_maintenance_are_of_one_certificate() -> None:
    rows = [
        cc_row(Maintenance_Date="08/26/2025", Maintenance_Title="Firmware 3.1.2"),
        cc_row(Maintenance_Date="06/01/2025", Maintenance_Title="Firmware 3.1.1"),
        cc_row(),
    ]
    certificate = only(read(table(rows)))
    assert certificate.value(FactName.MAINTENANCE) == (
        "2025-06-01: Firmware 3.1.1",
        "2025-08-26: Firmware 3.1.2",
    )
    assert len(certificate.told(FactName.PRODUCT)) == 1


def test_rows_of_one_certificate_that_differ_are_a_conflict() -> None:
    certificate = only(read(table([cc_row(), cc_row(Assurance_Level="EAL2")])))
    assert isinstance(certificate.value(FactName.EAL), Conflict)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CC")
def test_broken_letters_make_no_other_certificate() -> None:
    right = table([cc_row(Name="Bäspiel® HSM \N{EN DASH} 3")])
    latin = right.decode().encode("cp1252")
    broken = table([cc_row(Name="B\ufffdspiel\ufffd HSM \ufffd 3")])
    escaped = table([cc_row(Name="B&auml;spiel&#xae; HSM &amp;ndash; 3")])
    numbers = {only(read(one)).number for one in (right, latin, broken, escaped)}
    assert len(numbers) == 1
    assert only(read(latin)).value(FactName.PRODUCT) == "Bäspiel® HSM \N{EN DASH} 3"
    assert only(read(table([cc_row(Name="Другой HSM \N{EN DASH} 3")]))).number not in numbers


def test_active_and_archived_file_tell_of_one_certificate() -> None:
    before = only(read(table([cc_row()])))
    after = only(read(table([cc_row(Archived_Date="03/01/2027")]), datetime(2027, 4, 1, tzinfo=UTC)))
    joined = merge(before, after)
    assert joined.value(FactName.STATUS) is Status.ARCHIVED
    assert joined.value(FactName.ENDS) == date(2027, 3, 1)
    assert joined == merge(after, before) or {*joined.facts} == {*merge(after, before).facts}


def test_after_its_last_day_it_is_archived() -> None:
    over = only(read(table([cc_row(Archived_Date="04/14/2026")])))
    last = only(read(table([cc_row(Archived_Date="04/15/2026")])))
    assert (over.value(FactName.STATUS), last.value(FactName.STATUS)) == (Status.ARCHIVED, Status.ACTIVE)
    nothing = only(read(table([cc_row(Archived_Date="")])))
    assert not nothing.told(FactName.STATUS)


@pytest.mark.parametrize(
    ("printed", "eal", "augmented", "attackers"),
    [
        ("EAL3+,ALC_FLR.2", 3, ("ALC_FLR.2",), None),
        ("EAL4", 4, None, None),
        ("EAL 4+", 4, None, None),
        ("ALC_DVS.2,AVA_VAN.5,EAL5+", 5, ("ALC_DVS.2", "AVA_VAN.5"), 5),
        ("EAL5,EAL6", 5, None, None),
        ("EAL4 augmented withALC_FLR. 2 andAVA_VAN.5", 4, ("ALC_FLR.2", "AVA_VAN.5"), 5),
        ("EAL4 augmented by ALC_FLR.1; EAL6 augmented by AVA_VAN.5", 4, ("ALC_FLR.1",), None),
        ("None", 0, None, None),
        ("PP Compliant", 0, None, None),
        ("ASE_CCL.1,AVA_VAN.1", 0, ("ASE_CCL.1", "AVA_VAN.1"), 1),
        ("", None, None, None),
    ],
)
def test_levels(
    printed: str, eal: int | None, augmented: tuple[str, ...] | None, attackers: int | None
) -> None:
    imported = read(table([cc_row(Assurance_Level=printed)]))
    assert imported.problems == ()
    told = [
        tuple(one.value for one in only(imported).told(name))
        for name in (FactName.EAL, FactName.AUGMENTED, FactName.AVA_VAN)
    ]
    assert told == [() if one is None else (one,) for one in (eal, augmented, attackers)]


@pytest.mark.parametrize("printed", ["EAL8", "EAL0", "EAL44", "E3 high", "4"])
def test_levels_that_are_none_are_told(printed: str) -> None:
    imported = read(table([cc_row(Assurance_Level=printed)]))
    assert not only(imported).told(FactName.EAL)
    assert imported.problems[0].place == "line 2"
    assert printed in imported.problems[0].sentence


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-COLUMNS")
def test_columns_may_be_fewer_and_in_any_order_and_those_that_are_not_known_are_told() -> None:
    order = ["Scheme", "Restrictions", *(one for one in reversed(CC_COLUMNS[:8]) if one != "Scheme")]
    imported = read(table([cc_row() | {"Restrictions": "handshake"}], order))
    assert only(imported).value(FactName.EAL) == 4
    (problem,) = imported.problems
    assert problem.place == "line 1"
    assert "'Restrictions'" in problem.sentence
    assert "handshake" not in repr(imported.certificates)
    with pytest.raises(Malformed, match="none of the forms"):
        read_any(table([cc_row()], CC_COLUMNS[:4]), downloaded())
    with pytest.raises(Malformed, match=r"line 1.*columns of the Common Criteria"):
        portal.read(table([cc_row()], CC_COLUMNS[:4]), downloaded())
    with pytest.raises(Malformed, match=r"line 1.*twice"):
        portal.read(table([cc_row()], (*CC_COLUMNS, "Name")), downloaded())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CC")
def test_rows_that_are_malformed_are_told_by_line_and_the_rest_is_read() -> None:
    good = [cc_row(Name=f"Product {number}") for number in range(5)]
    lines = table(good).decode().splitlines()
    lines[2] = lines[2].replace('"Product 1"', '"Product 1')  # a quotation mark that is not closed
    lines[3] += ',"one too many"'
    lines[4] = '"half a row"'
    imported = read("\r\n".join(lines).encode())
    assert [one.value(FactName.PRODUCT) for one in imported.certificates] == ["Product 0", "Product 4"]
    assert [one.place for one in imported.problems] == ["line 3", "line 4", "line 5"]


def test_empty_columns_beyond_the_head_are_none_and_so_are_empty_rows() -> None:
    head, row = table([cc_row()]).strip().split(b"\r\n")
    imported = read(b"\r\n".join((head, b',""' * 14, row + b',""', b"," * 20, b"")))
    assert imported.problems == ()
    assert only(imported).value(FactName.EAL) == 4


def test_a_last_quotation_mark_that_is_open_takes_its_row_alone() -> None:
    data = table([cc_row(Name="A"), cc_row(Name="B")]).rstrip(b"\r\n").removesuffix(b'"')
    imported = read(data)
    assert [one.value(FactName.PRODUCT) for one in imported.certificates] == ["A"]
    assert [one.place for one in imported.problems] == ["line 3"]


def test_a_value_may_go_over_lines() -> None:
    imported = read(table([cc_row(Name="Two\nlines"), cc_row(Name="B", Scheme="")]))
    assert only(imported).value(FactName.PRODUCT) == "Two lines"
    assert imported.problems[0].place == "line 4"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"Certification Date": "28/02/2025"}, "no date with the month first"),
        ({"Certification Date": ""}, "is no date"),
        ({"Certification Date": "02/30/2025"}, "no date"),
        ({"Name": " "}, "no name"),
        ({"Scheme": "D E"}, "no scheme"),
        ({"Name": "x" * 30_000}, "30000 characters"),
        ({"Certification Date": "04/16/2026"}, "issued on 2026-04-16, after"),
        ({"Archived Date": "02/27/2025"}, "ends on 2025-02-27, before"),
    ],
)
def test_a_row_that_cannot_be_is_not_imported(changes: dict[str, str], why: str) -> None:
    imported = read(table([cc_row() | changes, cc_row(Name="Another")]))
    assert [one.value(FactName.PRODUCT) for one in imported.certificates] == ["Another"]
    (problem,) = imported.problems
    assert problem.place == "line 2"
    assert why in problem.sentence


def test_addresses_that_are_none_are_not_read() -> None:
    row = cc_row() | {
        "Security Target URL": "javascript:alert(1)",
        "Certification Report URL": "file:///etc/passwd",
    }
    certificate = only(read(table([row])))
    assert not certificate.told(FactName.TARGET)
    assert not certificate.told(FactName.REPORT)


def test_profiles_are_apart_where_the_source_sets_them_apart() -> None:
    row = cc_row() | {"Protection Profile(s)": "PP_ND_V2.1,PP_MOD_1; Profile for HSM, version 1"}
    assert only(read(table([row]))).value(FactName.PROTECTION_PROFILES) == (
        "PP_ND_V2.1",
        "PP_MOD_1",
        "Profile for HSM, version 1",
    )


def test_a_file_has_bounds() -> None:
    many = table([cc_row(Name=str(number)) for number in range(20)])
    with pytest.raises(BeyondLimit, match="rows"):
        read_any(many, downloaded(), Limits(rows=10))
    with pytest.raises(BeyondLimit, match="octets"):
        read_any(many, downloaded(), Limits(octets=100))
    with pytest.raises(BeyondLimit, match="lines"):
        portal.read(table([cc_row()]) + b"\n" * 100, downloaded(), Limits(elements=20))
    with pytest.raises(BeyondLimit, match="columns"):
        read_any(many, downloaded(), Limits(columns=5))
    wrong = table([cc_row(Name=str(number), Scheme="") for number in range(20)])
    imported = read_any(wrong, downloaded(), Limits(problems=3))
    assert len(imported.problems) == 4
    assert "more problems" in imported.problems[-1].sentence
