"""EUCC, notified devices, trusted lists; which form a document has; and that no person is in any fact."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

import pytest
from certificate_sources import (
    PERSON,
    QSCD_COLUMNS,
    as_json,
    cc_row,
    cmvp_list,
    cmvp_page,
    cmvp_record,
    downloaded,
    eucc_page,
    eucc_record,
    qscd_row,
    table,
    trusted_list,
)

from trustworks.assurance.model import FactName, SourceKind, Status
from trustworks.assurance.sources import DEFAULT, READERS, Download, read_any
from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from trustworks.assurance.model import Certificate
    from trustworks.assurance.sources import Imported


def read(data: bytes) -> Imported:
    return read_any(data, downloaded())


def only(imported: Imported) -> Certificate:
    (certificate,) = imported.certificates
    return certificate


def said(imported: Imported) -> str:
    return " | ".join(f"{one.place}: {one.sentence}" for one in imported.problems)


EUCC_FACTS = {
    FactName.PRODUCT: "Beispiel HSM 3",
    FactName.HOLDER: "Beispiel Module AG",
    FactName.CATEGORY: "HSM",
    FactName.VERSION: "3.1.0",
    FactName.STANDARD: "CC:2022",
    FactName.SCHEME: "Beispiel-Stelle",
    FactName.PROTECTION_PROFILES: ("EN 419221-5:2018",),
    FactName.ASSURANCE_LEVEL: "high",
    FactName.EAL: 4,
    FactName.AUGMENTED: ("ALC_FLR.3", "AVA_VAN.5"),
    FactName.AVA_VAN: 5,
    FactName.ISSUED: date(2026, 3, 5),
    FactName.ENDS: date(2031, 3, 4),
}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-EUCC")
def test_eucc_metadata_has_the_day_first() -> None:
    imported = read(as_json(eucc_record()))
    assert imported.kind is SourceKind.EUCC
    assert imported.problems == ()
    assert only(imported).id == "eucc:EUCC-9999-2026-03-0007"
    assert {one.name: one.value for one in only(imported).facts} == EUCC_FACTS


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-EUCC")
def test_the_eucc_page_says_the_same() -> None:
    imported = read(eucc_page(eucc_record()))
    assert imported.kind is SourceKind.EUCC
    assert imported.problems == ()
    assert only(imported).id == "eucc:EUCC-9999-2026-03-0007"
    assert {one.name: one.value for one in only(imported).facts} == EUCC_FACTS | {
        FactName.REPORT: "https://certification.enisa.europa.eu/document/download/2_en?filename=report.pdf",
        FactName.TARGET: "https://certification.enisa.europa.eu/document/download/1_en?filename=target.pdf",
    }


@pytest.mark.parametrize(
    ("changes", "name", "values"),
    [
        ({"package": {"EAL5": ["ADV_IMP.2", "AVA_VAN.5"], "EAL6": ["ALC_FLR.3"]}}, FactName.EAL, (5,)),
        (
            {"package": {"EAL5": ["ADV_IMP.2", "AVA_VAN.5"], "EAL6": ["ALC_FLR.3"]}},
            FactName.AUGMENTED,
            (("ADV_IMP.2", "AVA_VAN.5"),),
        ),
        ({"package": "EAL5 AugmentéADV_IMP.2, AVA_VAN.5"}, FactName.AUGMENTED, (("ADV_IMP.2", "AVA_VAN.5"),)),
        ({"package": "EAL4", "ava_van_level": "Global: 3, SubTSF: 6"}, FactName.AVA_VAN, (3,)),
        ({"package": "EAL4", "ava_van_level": "AVA_VAN.4"}, FactName.AVA_VAN, (4,)),
        (
            {"protection_profile": "Global Assurance: EAL 5 augmented with ADV_IMP.2"},
            FactName.PROTECTION_PROFILES,
            (),
        ),
        ({"assurance_level": "SUBSTANTIAL"}, FactName.ASSURANCE_LEVEL, ("substantial",)),
        ({"validity_period_years": "N/A"}, FactName.ENDS, ()),
        ({"status": "Withdrawn"}, FactName.STATUS, (Status.REVOKED,)),
        (
            {"issuance_date_full": "29.02.2024", "issuance_year": ..., "issuance_month": "02"},
            FactName.ENDS,
            (date(2029, 2, 28),),
        ),
    ],
)
def test_eucc_values(changes: dict[str, object], name: FactName, values: tuple[object, ...]) -> None:
    imported = read(as_json(eucc_record(**changes)))
    assert imported.problems == ()
    assert tuple(one.value for one in only(imported).told(name)) == values


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"issuance_month": "5"}, "issuance_month is 5"),
        ({"issuance_year": "2025"}, "issuance_year is 2025"),
        ({"issuance_date_full": "05/12/2026", "issuance_month": "12"}, "after its document was retrieved"),
        ({"certificate_id": "4711"}, "no number of an EUCC certificate"),
        ({"certificate_id": None}, "no number of an EUCC certificate"),
    ],
)
def test_eucc_certificates_that_contradict_themselves_are_refused(
    changes: dict[str, object], why: str
) -> None:
    other = eucc_record(certificate_id="EUCC-9999-2026-03-0008")
    imported = read(as_json([eucc_record(**changes), other, 17]))
    assert [one.number for one in imported.certificates] == ["EUCC-9999-2026-03-0008"]
    assert why in said(imported)
    assert "record 3" in said(imported)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"package": {"EAL4": "AVA_VAN.5"}}, FactName.EAL),
        ({"package": "as in the target"}, FactName.EAL),
        ({"ava_van_level": "6"}, None),
        ({"ava_van_level": "3"}, FactName.AVA_VAN),
        ({"issuance_date_full": "12/31/2025"}, FactName.ISSUED),
        ({"validity_period_years": "for ever"}, FactName.ENDS),
        ({"assurance_level": "basic"}, FactName.ASSURANCE_LEVEL),
        ({"status": "pondered"}, FactName.STATUS),
        ({"something_new": "x"}, None),
    ],
)
def test_eucc_values_that_are_none_are_told(changes: dict[str, object], name: FactName | None) -> None:
    imported = read(as_json(eucc_record(**changes)))
    assert len(imported.problems) == 1
    assert name is None or not only(imported).told(name)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-COLUMNS")
def test_an_eucc_label_that_is_not_known_is_told_with_its_line() -> None:
    imported = read(eucc_page(eucc_record(), {"Restrictions": "handshake"}))
    assert "line " in imported.problems[0].place
    assert "handshake" not in repr(imported.certificates)
    with pytest.raises(Malformed, match="twice"):
        read(eucc_page(eucc_record(), {"certificate id": "EUCC-9999-2026-03-0009"}))


QSCD_FACTS = {
    FactName.PRODUCT: "Beispiel Remote Signing",
    FactName.SOFTWARE: ("SAM 4.2",),
    FactName.HARDWARE: ("Beispiel HSM 3", "firmware 3.1.0"),
    FactName.VERSION: "4.2",
    FactName.HOLDER: "Beispiel Vertrauensdienste GmbH",
    FactName.DEVICE_TYPES: ("seal", "signature"),
    FactName.CATEGORY: "provider-managed",
    FactName.SCHEME: "Beispiel-Stelle",
    FactName.ISSUED: date(2024, 2, 1),
    FactName.STATUS: Status.ACTIVE,
    FactName.ENDS: date(2029, 1, 31),
}


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-QSCD")
@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_a_list_of_notified_devices(separator: str) -> None:
    imported = read(table([qscd_row()], QSCD_COLUMNS, separator))
    assert imported.kind is SourceKind.QSCD_LIST
    assert imported.problems == ()
    assert only(imported).id == "qscd:QSCD-AT-0042"
    assert {one.name: one.value for one in only(imported).facts} == QSCD_FACTS


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-QSCD")
def test_notified_devices_in_json() -> None:
    humps = {"".join(word.capitalize() for word in name.split()): value for name, value in qscd_row().items()}
    for document in (qscd_row(), [qscd_row()], humps):
        imported = read(as_json(document))
        assert imported.kind is SourceKind.QSCD_LIST
        assert imported.problems == ()
        assert {one.name: one.value for one in only(imported).facts} == QSCD_FACTS


@pytest.mark.parametrize(
    ("changes", "why", "imported_all"),
    [
        ({"Certificate of conformity": ""}, "it has no certificate", False),
        ({"Start date of certification": "02/28/2024"}, "the day first", True),
        ({"Expiry date of certification": "31/01/2024"}, "ends on 2024-01-31, before", False),
        ({"Start date of certification": "01/05/2026"}, "after its document", False),
        ({"Certification status": "pondered"}, "no status", True),
        ({"Category": "other"}, "who manages", True),
        ({"Type of device": "toaster"}, "neither signatures nor seals", True),
    ],
)
def test_notified_devices_that_are_wrong_are_told(
    changes: dict[str, str], why: str, imported_all: bool
) -> None:
    rows = [qscd_row() | changes, qscd_row(**{"Certificate of conformity": "QSCD-AT-0043"})]
    for data, place in ((table(rows, QSCD_COLUMNS), "line 2"), (as_json(rows), "record 1")):
        imported = read(data)
        assert why in said(imported)
        assert imported.problems[0].place == place
        assert len(imported.certificates) == 1 + imported_all


@pytest.mark.parametrize(
    ("printed", "status"),
    [("no longer certified", Status.REVOKED), ("Suspended", Status.SUSPENDED), ("expired", Status.ARCHIVED)],
)
def test_how_a_notified_device_stands(printed: str, status: Status) -> None:
    row = qscd_row(**{"Certification status": printed})
    assert only(read(table([row], QSCD_COLUMNS))).value(FactName.STATUS) is status


def test_two_columns_for_one_thing_are_refused() -> None:
    with pytest.raises(Malformed, match=r"line 1.*two columns are the status"):
        read(table([qscd_row()], (*QSCD_COLUMNS, "Status")))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-TL")
def test_a_trusted_list_tells_which_services_are_granted() -> None:
    imported = read(trusted_list())
    assert imported.kind is SourceKind.TRUSTED_LIST
    assert imported.problems == ()
    granted, withdrawn = imported.services
    assert (granted.territory, granted.provider, granted.name) == (
        "AT",
        "Beispiel Trust GmbH",
        "Remote signing",
    )
    assert granted.is_granted
    assert granted.granted[0].since == datetime(2024, 5, 1, tzinfo=UTC)
    assert granted.purposes == ("ForeSignatures",)
    assert granted.qualifiers == ("QCQSCDManagedOnBehalf",)
    assert granted.provenance.place == "AT, Beispiel Trust GmbH, Remote signing"
    assert not withdrawn.is_granted
    assert withdrawn.granted[0].until == datetime(2025, 1, 1, tzinfo=UTC)


SINCE = b"</ServiceStatus><StatusStartingTime>2024"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"granted" + SINCE, b"recognisedatnationallevel" + SINCE),
        (b"granted" + SINCE, b"accredited" + SINCE),
        # In disorder: withdrawn now, and granted later than that.
        (b"<StatusStartingTime>2020-01-01", b"<StatusStartingTime>2025-06-01"),
    ],
)
def test_what_is_not_granted_now_is_not_said_to_be(old: bytes, new: bytes) -> None:
    data = trusted_list()
    assert old in data
    services = read(data.replace(old, new)).services
    assert sum(one.is_granted for one in services) == (1 if b"2025" in new else 0)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-SOURCE-PERSONS")
def test_no_person_is_in_any_fact() -> None:
    name, mail, _, _, _ = PERSON
    hidden = "petra [dot] probe [at] example [dot] test"
    documents = [
        cmvp_list([("9001", f"Beispiel {mail}", "Module", "Hardware", "1/2/2003", "Active")]),
        cmvp_page(),
        cmvp_page(
            vendor='<a class="__cf_email__" href="/cdn-cgi/l/email-protection">[email&#160;protected]</a>'
        ),
        cmvp_page(vendor=f'Beispiel Module AG<br />{name}<br /><a href="mailto:{mail}">{mail}</a>'),
        as_json(cmvp_record(vendor_name="[email protected]")),
        as_json(cmvp_record(caveat=f"Ask {mail}, or {hidden}.")),
        table([cc_row(Manufacturer=f"Beispiel ({mail})")]),
        as_json(eucc_record(holder_name=f"Beispiel ( {hidden} )")),
        eucc_page(eucc_record()),
        table([qscd_row()], QSCD_COLUMNS),
        as_json(qscd_row()),
        trusted_list(),
    ]
    for data in documents:
        imported = read(data)
        assert imported.certificates or imported.services
        told = repr((imported.certificates, imported.services))
        for one in (*PERSON, "petra", "probe [", "protected]", "+49", "@"):
            assert one not in told, (imported.kind, one)


def test_the_vendor_is_named_and_none_of_its_persons() -> None:
    obfuscated = cmvp_page(
        vendor='<a class="__cf_email__" href="/cdn-cgi/l/email-protection">[email&#160;protected]</a>'
    )
    assert not only(read(obfuscated)).told(FactName.HOLDER)
    plain = cmvp_page(vendor="Beispiel Module AG<br />Prüfweg 7<br />Petra Probe")
    assert only(read(plain)).value(FactName.HOLDER) == "Beispiel Module AG"


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is empty"),
        (b" \r\n\t", "is empty"),
        (b"\xef\xbb\xbf", "is empty"),
        (b"%PDF-1.7", "a PDF"),
        (b"PK\x03\x04", "an archive"),
        (b"{", "is no JSON"),
        (b"[" * 100_000, "is no JSON"),
        (b'{"a": NaN}', "NaN is no number"),
        (b'{"certificate_number": "1", "certificate_number": "2"}', "stands twice"),
        (b'{"a": "\xff"}', "no JSON in UTF-8"),
        (b"{}", "JSON of none of the forms"),
        (b"[1, null]", "JSON of none of the forms"),
        (b'{"x": ' + b"1" * 5000 + b"}", "is no JSON"),
        (b"<html><body>Nothing</body></html>", "a page of none of the forms"),
        (b"<div>" * 3000, "nested deeper"),
        (b"<!DOCTYPE html>", "empty"),
        (b"<TrustServiceStatusList/>", "no trusted list"),
        (
            b'<!DOCTYPE x [<!ENTITY a "b">]><TrustServiceStatusList>&a;</TrustServiceStatusList>',
            "document type",
        ),
        (b"hello world", "none of the forms"),
        (b'"Name","Version"\r\n"a","b"\r\n', "none of the forms"),
        (b'"open', "no line with the names"),
        (b"[" + b"1," * 2_100_000 + b"1]", "values that are read"),
        (b"\n" * 4_100_000 + b"a", "is empty|lines that are read"),
        (b"a,b\n" + b"\n" * 4_100_000, "none of the forms"),
        (b"<p>" + b"<b>" * 2_100_000, "elements that are read"),
        (b"\0" * 64, "no line with the names|none of the forms"),
    ],
)
def test_what_has_no_form_is_refused_with_what_to_do(data: bytes, why: str) -> None:
    with pytest.raises(Malformed, match=why):
        read(data)


@pytest.mark.parametrize("kind", READERS, ids=str)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{}",
        b"[]",
        b"null",
        b"<html/>",
        b"<a",
        b"a,b\r\n1,2",
        b'"',
        b"\xff\xfe",
        b"\xff\xfe<\0h",
        b"<table><tr>",
    ],
)
def test_each_reader_refuses_what_is_not_its_own(kind: SourceKind, data: bytes) -> None:
    with pytest.raises(Malformed):
        READERS[kind](data, downloaded("file"), DEFAULT)


def test_a_moment_without_a_zone_is_refused() -> None:
    with pytest.raises(Malformed, match="time zone"):
        read_any(cmvp_page(), Download(name="x", retrieved=datetime(2026, 1, 1)))  # noqa: DTZ001 - what is tested


def test_a_page_in_the_octets_of_windows_is_read() -> None:
    assert only(read(cmvp_page().decode().encode("utf-16"))).number == "9001"
    assert only(read(b"\xef\xbb\xbf" + cmvp_page())).number == "9001"


def test_a_page_fetches_and_runs_nothing() -> None:
    hostile = cmvp_page(
        tail='<script src="https://evil.example/x.js"></script><img src="http://127.0.0.1:9/x">'
        '<link rel="stylesheet" href="file:///etc/passwd"><iframe src="http://127.0.0.1:9"></iframe>'
        "<!--<h3>Certificate #6666</h3>-->"
    )
    assert only(read(hostile)).number == "9001"
