"""Lists, pages and records of CMVP: what they say, and that they say the same of one certificate."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from certificate_sources import (
    LIST_COLUMNS,
    MODULE,
    as_json,
    cmvp_list,
    cmvp_page,
    cmvp_record,
    downloaded,
)

from trustworks.assurance.model import Conflict, FactName, SourceKind, Status
from trustworks.assurance.sources import merge, read_any
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.assurance.model import Certificate
    from trustworks.assurance.sources import Imported

ROW = (
    "9001",
    "Beispiel Module AG",
    "Beispiel® K9 Cryptographic Module",
    "Hardware",
    "07/07/2025 04/02/2024",
    "Active",
)


def read(data: bytes, name: str = "download") -> Imported:
    return read_any(data, downloaded(name))


def only(imported: Imported) -> Certificate:
    (certificate,) = imported.certificates
    return certificate


def said(imported: Imported) -> str:
    return " | ".join(f"{one.place}: {one.sentence}" for one in imported.problems)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CMVP")
def test_a_list_tells_what_it_has_and_where() -> None:
    imported = read(cmvp_list([ROW, ("0042", "V", "M", "software-hybrid", "1/2/2003", "Historical")]))
    assert imported.kind is SourceKind.CMVP_LIST
    assert imported.problems == ()
    first, second = imported.certificates
    assert (first.id, second.id) == ("fips:9001", "fips:42")
    assert first.value(FactName.ISSUED) == date(2024, 4, 2)
    assert first.value(FactName.STATUS) is Status.ACTIVE
    assert second.value(FactName.STATUS) is Status.HISTORICAL
    assert second.value(FactName.MODULE_TYPE) == "Software-Hybrid"
    assert not first.told(FactName.OVERALL_LEVEL)
    provenance = first.told(FactName.ISSUED)[0].provenance
    assert provenance.place.startswith("line ")
    assert "certificate 9001" in provenance.place
    assert len(provenance.document) == 64


def test_a_list_may_have_all_columns_or_fewer() -> None:
    every = (*LIST_COLUMNS, "Standard", "Overall Level", "Sunset Date", "Caveat", "Embodiment", "Lab")
    certificate = only(
        read(cmvp_list([(*ROW, "FIPS 140-2", "3", "9/21/2026", "", "Single Chip", "L")], every))
    )
    assert certificate.value(FactName.STANDARD) == "FIPS 140-2"
    assert certificate.value(FactName.OVERALL_LEVEL) == 3
    assert certificate.value(FactName.ENDS) == date(2026, 9, 21)
    assert certificate.value(FactName.CAVEAT) == ""
    fewer = only(read(cmvp_list([ROW[:5]], LIST_COLUMNS[:5])))
    assert not fewer.told(FactName.STATUS)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-COLUMNS")
def test_a_column_that_is_not_known_is_told_with_its_line_and_not_read() -> None:
    imported = read(cmvp_list([(*ROW, "secret handshake")], (*LIST_COLUMNS, "Restrictions")))
    (problem,) = imported.problems
    assert problem.place.startswith("line ")
    assert "restrictions" in problem.sentence
    assert "handshake" not in repr(imported.certificates)
    assert only(imported).value(FactName.PRODUCT) == "Beispiel® K9 Cryptographic Module"


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (("90x1", *ROW[1:]), "no number of a certificate"),
        (ROW[:4], "4 columns"),
        ((*ROW, "more"), "7 columns"),
        ((*ROW[:4], "31/12/2024", "Active"), "is not read"),
        ((*ROW[:5], "Sleeping"), "no status"),
    ],
)
def test_what_is_wrong_with_one_row_does_not_take_the_next(row: tuple[str, ...], why: str) -> None:
    imported = read(cmvp_list([row, ("7", "V", "M", "Software", "1/2/2003", "Active")]))
    assert why in said(imported)
    assert "line " in imported.problems[0].place
    assert "fips:7" in {one.id for one in imported.certificates}


def test_a_row_that_leads_to_another_certificate_is_not_read() -> None:
    imported = read(cmvp_list([ROW]).replace(b'certificate/9001"', b'certificate/9002"'))
    assert imported.certificates == ()
    assert "leads to 9002" in said(imported)


def test_a_page_of_a_longer_list_says_that_it_is_not_all() -> None:
    imported = read(cmvp_list([ROW], total=869))
    assert "869 certificates, and lists 1" in said(imported)
    assert len(imported.certificates) == 1
    assert "24 certificates, and lists 0" in said(read(cmvp_list([], total=24)))


def test_two_rows_of_one_certificate_that_differ_are_a_conflict() -> None:
    imported = read(cmvp_list([ROW, ROW, (*ROW[:5], "Revoked")]))
    assert isinstance(only(imported).value(FactName.STATUS), Conflict)
    assert only(imported).value(FactName.HOLDER) == "Beispiel Module AG"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CMVP")
def test_a_page_tells_everything() -> None:
    imported = read(cmvp_page())
    assert imported.kind is SourceKind.CMVP_PAGE
    assert imported.problems == ()
    certificate = only(imported)
    assert {one.name: one.value for one in certificate.facts} == {
        FactName.PRODUCT: "Beispiel® K9 Cryptographic Module",
        FactName.STANDARD: "FIPS 140-3",
        FactName.STATUS: Status.ACTIVE,
        FactName.ENDS: date(2029, 4, 1),
        FactName.OVERALL_LEVEL: 3,
        FactName.CAVEAT: "When operated in approved mode. When initialized per Section 11.",
        FactName.AREA_LEVELS: {"Operational Environment": None, "Physical Security": 4},
        FactName.MODULE_TYPE: "Hardware",
        FactName.HARDWARE: ("808-0001 (revisions A, B)", "808-0002"),
        FactName.FIRMWARE: ("7.7.1", "7.8.0"),
        FactName.ISSUED: date(2024, 4, 2),
        FactName.HOLDER: "Beispiel Module AG",
        FactName.REPORT: (
            "https://csrc.nist.gov/CSRC/media/projects/cryptographic-module-validation-program/documents/"
            "security-policies/140sp9001.pdf"
        ),
    }


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CMVP")
def test_list_page_and_record_of_one_certificate_agree() -> None:
    joined = None
    for data in (
        cmvp_list([ROW]),
        cmvp_page(),
        as_json(cmvp_record()),
        as_json([cmvp_record(overall_level="3")]),
    ):
        imported = read(data)
        assert imported.problems == ()
        joined = merge(joined, only(imported))
    assert joined is not None
    assert {name for name in FactName if isinstance(joined.value(name), Conflict)} == set()
    assert {one.provenance.kind for one in joined.told(FactName.PRODUCT)} == {
        SourceKind.CMVP_LIST,
        SourceKind.CMVP_PAGE,
        SourceKind.CMVP_RECORD,
    }


def test_a_page_without_caveat_and_exceptions_says_that_there_are_none() -> None:
    less = {
        name: value for name, value in MODULE.items() if name not in {"Caveat", "Security Level Exceptions"}
    }
    certificate = only(read(cmvp_page(details=less)))
    assert certificate.value(FactName.CAVEAT) == ""
    assert certificate.value(FactName.AREA_LEVELS) == {}


def test_exceptions_that_cannot_be_read_are_not_left_out_silently() -> None:
    wrong = MODULE | {
        "Security Level Exceptions": "<ul><li>Physical security: Level 4</li><li>Sometimes 2</li></ul>"
    }
    imported = read(cmvp_page(details=wrong))
    assert not only(imported).told(FactName.AREA_LEVELS)
    assert "Sometimes 2" in said(imported)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-COLUMNS")
def test_a_label_that_is_not_known_is_told() -> None:
    imported = read(cmvp_page(details=MODULE | {"Withdrawal Notice": "see elsewhere"}))
    assert "'Withdrawal Notice' is not known" in said(imported)
    assert "elsewhere" not in repr(imported.certificates)


def test_a_page_has_to_say_which_certificate_it_is_of() -> None:
    anonymous = cmvp_page().replace(b"Certificate #9001", b"Certificate")
    assert only(read(anonymous)).number == "9001"  # by the name of its security policy
    without = anonymous.replace(b"140sp9001.pdf", b"policy.pdf")
    assert only(read(without, "4090.html")).number == "4090"
    with pytest.raises(Malformed, match="does not say which it is of"):
        read(without, "page.html")
    with pytest.raises(Malformed, match="9001, 9002"):
        read(cmvp_page(tail="<h2>Certificate #9002</h2>"))
    with pytest.raises(Malformed, match="twice"):
        read(cmvp_page(tail='<div class="row padrow"><div>Standard</div><div>FIPS 140-2</div></div>'))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-FUTURE")
def test_a_certificate_of_the_future_is_refused_by_its_number() -> None:
    imported = read_any(
        cmvp_list([ROW, ("7", *ROW[1:4], "1/2/2003", "Active")]),
        downloaded(retrieved=datetime(2024, 4, 1, tzinfo=UTC)),
    )
    assert [one.id for one in imported.certificates] == ["fips:7"]
    assert "Certificate 9001 is not imported: it was issued on 2024-04-02, after" in said(imported)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-CONTRADICTION")
def test_a_certificate_that_ends_before_it_begins_is_refused_by_its_number() -> None:
    imported = read(as_json([cmvp_record(sunset_date="4/1/2024"), cmvp_record(certificate_number=7)]))
    assert [one.id for one in imported.certificates] == ["fips:7"]
    assert "Certificate 9001 is not imported: it ends on 2024-04-01, before it was issued" in said(imported)


def test_a_certificate_that_has_ended_is_imported() -> None:
    assert only(read(as_json(cmvp_record(sunset_date="5/2/2024")))).value(FactName.ENDS) == date(2024, 5, 2)


def test_a_record_without_an_end_has_none() -> None:
    certificate = only(
        read(as_json(cmvp_record(sunset_date=None, status="Historical", dataset="historical")))
    )
    assert not certificate.told(FactName.ENDS)
    assert certificate.value(FactName.STATUS) is Status.HISTORICAL


def test_a_record_whose_maker_put_it_among_others_is_in_conflict() -> None:
    certificate = only(read(as_json(cmvp_record(status="Historical"))))
    assert isinstance(certificate.value(FactName.STATUS), Conflict)
    revoked = only(read(as_json(cmvp_record(status="Revoked", dataset="historical"))))
    assert revoked.value(FactName.STATUS) is Status.REVOKED


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"overall_level": 5}, "no level"),
        ({"overall_level": True}, "neither text nor a number"),
        ({"overall_level": {"a": 1}}, "neither text nor a number"),
        ({"security_level_exceptions": "Physical"}, "no list of lines"),
        ({"validation_history": [{"when": "today"}]}, "no date"),
        ({"validation_dates": ["1/2/2003"]}, "2003-01-02"),
        ({"standard": "FIPS 199"}, "no edition"),
        ({"sunset_date": "soon"}, "is no date"),
        ({"strange_member": 1}, "strange_member"),
        ({"caveat": "x" * 30_000}, "30000 characters"),
    ],
)
def test_what_is_wrong_with_one_member_is_told_and_not_read(changes: dict[str, object], why: str) -> None:
    imported = read(as_json([cmvp_record(**changes), cmvp_record(certificate_number="7")]))
    assert why in said(imported)
    assert "fips:7" in {one.id for one in imported.certificates}


@pytest.mark.parametrize("number", ["", "x", -1, 1.5, True, None, [], "1234567"])
def test_a_record_without_a_number_is_told(number: object) -> None:
    imported = read(as_json([cmvp_record(certificate_number=number), cmvp_record(certificate_number="7")]))
    assert [one.id for one in imported.certificates] == ["fips:7"]
    assert "no number of a certificate" in said(imported)


def test_records_come_alone_in_lists_and_in_what_their_makers_put_around_them() -> None:
    summary = {
        "Certificate Number": "9001",
        "Certificate Number_url": "https://csrc.nist.gov/x",
        "Vendor Name": "Beispiel Module AG",
        "Module Name": "Beispiel® K9 Cryptographic Module",
        "Module Type": "Hardware",
        "Validation Date": "04/02/2024",
        "overall_level": 3,
        "lab": "A Laboratory",
    }
    for document in (
        cmvp_record(),
        [cmvp_record()],
        {"metadata": {"source": "x"}, "certificate": cmvp_record()},
        [{"metadata": {}, "certificate": cmvp_record()}],
        {"metadata": {}, "modules": [summary]},
        [summary],
    ):
        imported = read(as_json(document))
        assert imported.kind is SourceKind.CMVP_RECORD
        assert imported.problems == ()
        assert only(imported).value(FactName.ISSUED) == date(2024, 4, 2)


def test_tables_inside_of_a_value_are_no_labels_of_the_page() -> None:
    algorithms = "<table><tr><td>AES</td><td>A1</td></tr><tr><td>AES</td><td>A2</td></tr></table>"
    nested = '<div class="row padrow"><div>Status</div><div>Revoked</div></div>'
    imported = read(cmvp_page(details=MODULE | {"Approved Algorithms": algorithms, "Description": nested}))
    assert imported.problems == ()
    assert only(imported).value(FactName.STATUS) is Status.ACTIVE


@pytest.mark.parametrize(
    ("row", "around"),
    [("<tr><th>{}</th><td>{}</td></tr>", "<table>{}</table>"), ("<dt>{}</dt><dd>{}</dd>", "<dl>{}</dl>")],
)
def test_a_page_may_be_set_out_as_a_table_or_a_list(row: str, around: str) -> None:
    other = "<table><tr><td>Language</td><td>English</td></tr></table>"
    rows = "".join(row.format(label, value) for label, value in MODULE.items())
    page = f"<html><body>{other}<h3>Certificate #9001</h3>{around.format(rows)}</body></html>".encode()
    imported = read(page)
    assert imported.kind is SourceKind.CMVP_PAGE
    assert imported.problems == ()
    assert only(imported).value(FactName.OVERALL_LEVEL) == 3


def test_a_caveat_that_was_cut_off_is_none_to_rely_on() -> None:
    imported = read(as_json(cmvp_record(caveat="No assurance of the minimum strength of (e.g.,...")))
    assert "it is cut off" in said(imported)
    assert not only(imported).told(FactName.CAVEAT)


def test_areas_have_one_spelling() -> None:
    lines = [
        "Roles, services and authentication: Level 3",
        "EMI / EMC: Level 3",
        "Software Security: Level 3.",
    ]
    certificate = only(read(as_json(cmvp_record(security_level_exceptions=lines))))
    assert certificate.value(FactName.AREA_LEVELS) == {
        "Roles, Services, and Authentication": 3,
        "EMI/EMC": 3,
        "Software Security": 3,
    }
