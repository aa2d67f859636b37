"""The register: versions, events, what it refuses, imports; on both databases."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from certificate_sources import as_json, cmvp_record
from sqlalchemy import text

from trustworks.assurance import records
from trustworks.assurance.evidence import Outcome
from trustworks.assurance.evidence.duties import check_items
from trustworks.assurance.model import (
    Binding,
    Certificate,
    CertificateKind,
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Conflict,
    Document,
    DocumentKind,
    Fact,
    FactName,
    Headcount,
    Product,
    ProductKind,
    Provenance,
    SourceKind,
    Transfer,
)
from trustworks.assurance.records import EntryKind, identify
from trustworks.assurance.registered import facts_of, history_of, products_of
from trustworks.assurance.rules import IDENTIFYING
from trustworks.assurance.service import Register
from trustworks.core.audit import Recorder
from trustworks.core.errors import BeyondLimit, Malformed, Refused, Rejected

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.assurance.model import Entry, Facts
    from trustworks.core.store import Database

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)
EARLIER = datetime(2026, 11, 1, tzinfo=UTC)
HSM = Product(id="hsm-1", kind=ProductKind.MODULE, name="Beispiel K9", firmware="7.8.4", serial="A1")
OTHER = replace(HSM, id="hsm-2", serial="A2")
IMPORTED: dict[str, Any] = {"name": "9001.json", "source": "the programme's site", "retrieved": EARLIER}
CERTIFICATE = "fips:9001"


@pytest.fixture
def recorder(database: Database) -> Iterator[Recorder]:
    with Recorder.open(database, "assurance") as opened:
        yield opened


@pytest.fixture
def register(recorder: Recorder) -> Register:
    return Register(recorder, by="olga", now=lambda: NOW)


def facts(database: Database) -> Facts:
    with database.read() as connection:
        return facts_of(connection)


def events(database: Database, kind: str = "assurance.") -> list[Any]:
    """The events of the register, in their order."""
    with database.read() as connection:
        rows = connection.execute(text("SELECT body FROM audit_events ORDER BY sequence")).scalars()
        found = [json.loads(bytes(body)) for body in rows]
    return [one for one in found if one["type"].startswith(kind)]


def test_a_product_is_entered_with_its_event(register: Register, database: Database) -> None:
    assert register.enter(HSM) == "hsm-1"

    assert facts(database).products == (HSM,)
    (event,) = events(database)
    assert (event["type"], event["actor"]) == ("assurance.product-entered", "olga")
    assert {"after": "7.8.4", "before": None, "field": "firmware"} in event["detail"]["changed"]


def test_every_change_is_a_version_and_an_event_with_the_fields(
    register: Register, database: Database
) -> None:
    register.enter(HSM)
    register.change_product("hsm-1", firmware="7.8.5", place="room 2")

    assert facts(database).products == (replace(HSM, firmware="7.8.5", place="room 2"),)
    with database.read() as connection:
        assert [one.number for one in history_of(connection, EntryKind.PRODUCT, "hsm-1")] == [1, 2]
    assert events(database)[-1]["detail"]["changed"] == [
        {"field": "firmware", "before": "7.8.4", "after": "7.8.5"},
        {"field": "place", "before": "", "after": "room 2"},
    ]


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED")
@pytest.mark.parametrize("field", IDENTIFYING)
def test_another_identity_is_planned_or_corrects_with_a_reason(
    register: Register, database: Database, field: str
) -> None:
    first, other = ("01" * 32, "02" * 32) if field == "library_sha256" else ("one", "other")
    unsaid: dict[str, Any] = {field: ""}
    register.enter(replace(HSM, **unsaid))
    register.amend_product("hsm-1", {field: first, "place": "Room 1"})  # what nobody said yet may be said
    with pytest.raises(Refused, match=f"{first} to {other}") as refused:
        register.amend_product("hsm-1", {field: other})
    assert refused.value.requirement == "TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED"
    with pytest.raises(Refused, match=f"{first} to nothing"):
        register.amend_product("hsm-1", {field: ""}, correction=" ")
    register.amend_product("hsm-1", {field: first, "place": "Room 2"})
    register.amend_product("hsm-1", {field: other}, correction="a typing error")

    assert getattr(facts(database).products[0], field) == other
    (corrected,) = events(database, "assurance.product-corrected")
    assert corrected["detail"]["reason"] == "a typing error"
    assert corrected["detail"]["changed"] == [{"field": field, "before": first, "after": other}]
    with pytest.raises(Malformed, match="Shorten it"):
        register.amend_product("hsm-1", {field: first}, correction="x" * 301)


def test_the_same_said_again_writes_nothing(register: Register, database: Database) -> None:
    register.enter(HSM)
    register.enter(HSM)
    register.change_product("hsm-1", firmware="7.8.4")

    assert len(events(database)) == 1
    with database.read() as connection:
        assert len(history_of(connection, EntryKind.PRODUCT, "hsm-1")) == 1


STATEMENTS: list[Any] = [
    Binding(product="hsm-1", service="certificates", process="ca_key_use", functions=("sign",)),
    Check(product="hsm-1", kind=CheckKind.SHIPMENT, on=date(2026, 1, 1), passed=True, persons=("a", "b")),
    Transfer(
        source="hsm-1",
        target="hsm-2",
        on=date(2026, 1, 1),
        equal_protection=None,
        dual_control=True,
        checksum_matched=True,
    ),
    Headcount(product="hsm-1", act="recovery", persons=2, allowed=3, on=date(2026, 1, 1)),
]


@pytest.mark.parametrize("entry", STATEMENTS, ids=lambda one: type(one).__name__)
def test_what_is_entered_comes_back_as_it_was(register: Register, database: Database, entry: Entry) -> None:
    for one in (HSM, OTHER, entry, entry):
        register.enter(one)

    found = facts(database)
    assert entry in (*found.bindings, *found.checks, *found.transfers, *found.headcounts)
    assert len(events(database)) == 3  # two products, and it once


@pytest.mark.req("TRUSTWORKS:ASSURANCE-ABOUT-SOMETHING")
@pytest.mark.parametrize("entry", STATEMENTS, ids=lambda one: type(one).__name__)
def test_what_is_about_no_product_is_refused_and_nothing_is_written(
    register: Register, database: Database, entry: Entry
) -> None:
    with pytest.raises(Rejected, match="There is no product 'hsm-1'") as error:
        register.enter(entry)

    assert error.value.code == "assurance.product"
    assert events(database) == []


@pytest.mark.req("TRUSTWORKS:ASSURANCE-ABOUT-SOMETHING")
def test_a_document_needs_its_file_and_a_confirmation_its_certificate(
    register: Register, database: Database
) -> None:
    register.enter(HSM)
    document = Document(
        product="hsm-1", kind=DocumentKind.RISK_ANALYSIS, title="t", sha256="0" * 64, written=date(2026, 1, 1)
    )
    with pytest.raises(Rejected, match="is not kept; give the file itself"):
        register.enter(document)
    kept = register.keep(b"the analysis", name="risk.pdf", source="us", retrieved=NOW)
    register.enter(replace(document, sha256=kept))

    with pytest.raises(Rejected, match="is not bound to hsm-1"):
        register.enter(confirmation())
    assert [one.sha256 for one in facts(database).documents] == [hashlib.sha256(b"the analysis").hexdigest()]


def confirmation(**values: Any) -> Confirmation:
    return replace(
        Confirmation(
            product="hsm-1",
            certificate=CERTIFICATE,
            kind=ConfirmationKind.SCOPE,
            values=("sign",),
            by="olga",
            on=date(2026, 11, 1),
            page="security policy, page 3",
        ),
        **values,
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NOT-AHEAD")
@pytest.mark.parametrize(
    "entry",
    [
        replace(STATEMENTS[1], on=date(2026, 11, 21)),
        replace(STATEMENTS[2], on=date(2026, 11, 21)),
        replace(STATEMENTS[3], on=date(2026, 11, 21)),
        confirmation(on=date(2026, 11, 21)),
    ],
)
def test_what_has_not_happened_yet_is_refused(register: Register, entry: Entry) -> None:
    register.enter(HSM)
    register.enter(OTHER)
    with pytest.raises(Rejected, match="of 2026-11-21, which has not come") as error:
        register.enter(entry)
    assert error.value.code == "assurance.ahead"


@pytest.mark.req("TRUSTWORKS:ASSURANCE-KNOWN-PROCESS")
@pytest.mark.parametrize(
    ("changed", "code", "told"),
    [
        (
            {"process": "ca_key"},
            "assurance.process",
            "No rule set knows certificates/ca_key. There are: arch",
        ),
        ({"process": "module_life"}, "assurance.process", "No rule set knows certificates/module_life"),
        ({"functions": ("sing",)}, "assurance.function", "'sing' is no function that is compared"),
        (
            {"algorithms": ("P384",)},
            "assurance.algorithm",
            "'P384' is no kind of key and no scheme. There are: P-256, P-384",
        ),
    ],
)
def test_a_process_or_function_that_nobody_knows_is_refused(
    register: Register, changed: dict[str, Any], code: str, told: str
) -> None:
    register.enter(HSM)
    with pytest.raises(Rejected, match=told) as error:
        register.enter(replace(STATEMENTS[0], **changed))
    assert error.value.code == code


@pytest.mark.parametrize(
    ("entry", "told"),
    [
        (replace(HSM, id="HSM 1"), "is no name of a product"),
        (replace(HSM, name="x" * 501), "name is longer than 500 characters"),
        (replace(HSM, library_sha256="zz"), "'zz' is no SHA-256 in hexadecimal"),
        (
            Document(
                product="hsm-1",
                kind=DocumentKind.CONFORMITY,
                title="t",
                sha256="0" * 64,
                written=date(2026, 1, 1),
            ),
            "Say what the conformity-demonstration is against",
        ),
        (replace(HSM, place="a\nb"), "place has characters that cannot be printed"),
        (replace(STATEMENTS[1], due=date(2025, 1, 1)), "due again on 2025-01-01, which is not later"),
        (replace(STATEMENTS[1], persons=()), "Say who made the check"),
        (confirmation(page=" "), "needs who read it, and on which page"),
        (replace(STATEMENTS[3], persons=-1), "is 0 or more"),
        (replace(STATEMENTS[2], target="hsm-1"), "goes from one module to another"),
    ],
)
def test_values_that_cannot_be_are_refused(
    register: Register, database: Database, entry: Entry, told: str
) -> None:
    with pytest.raises(Malformed, match=told):
        register.enter(entry)
    assert events(database) == []


def test_a_product_in_use_is_not_removed_and_another_is(register: Register, database: Database) -> None:
    for one in (HSM, OTHER, STATEMENTS[0]):
        register.enter(one)
    with pytest.raises(Rejected, match="hsm-1 is bound to certificates/ca_key_use/hsm-1"):
        register.remove(EntryKind.PRODUCT, "hsm-1", reason="a mistake")
    register.remove(EntryKind.PRODUCT, "hsm-2", reason="a mistake")
    with pytest.raises(Rejected, match="has no product 'hsm-2'"):
        register.remove(EntryKind.PRODUCT, "hsm-2", reason="again")

    with database.read() as connection:
        assert list(products_of(connection)) == ["hsm-1"]
        assert [one.content is None for one in history_of(connection, EntryKind.PRODUCT, "hsm-2")] == [
            False,
            True,
        ]
    assert events(database, "assurance.product-removed")[0]["detail"]["reason"] == "a mistake"


def test_a_removed_product_can_be_entered_again(register: Register, database: Database) -> None:
    register.enter(OTHER)
    register.remove(EntryKind.PRODUCT, "hsm-2", reason="a mistake")
    register.enter(OTHER)

    assert facts(database).products == (OTHER,)


# ---- certificates


def test_a_certificate_is_bound_out_of_an_import(register: Register, database: Database) -> None:
    register.enter(HSM)
    taken = register.take_in(as_json(cmvp_record()), **IMPORTED)
    register.bind_certificate(CERTIFICATE, "hsm-1", file=None)

    found = facts(database)
    assert found.products[0].certificates == (CERTIFICATE,)
    assert [one.id for one in found.certificates] == [CERTIFICATE]
    assert found.certificates[0].value(FactName.OVERALL_LEVEL) == 3
    with database.read() as connection:
        kept = records.file(connection, taken.sha256)
    assert kept is not None
    assert kept.content == as_json(cmvp_record())


@pytest.mark.req("TRUSTWORKS:ASSURANCE-UNBIND")
def test_a_certificate_that_was_bound_by_mistake_is_taken_off_with_a_reason(
    register: Register, database: Database
) -> None:
    register.enter(HSM)
    register.take_in(as_json(cmvp_record()), **IMPORTED)
    with pytest.raises(Rejected, match="is not bound to hsm-1: nothing is to be undone"):
        register.unbind_certificate(CERTIFICATE, "hsm-1", reason="a mistake")
    register.bind_certificate(CERTIFICATE, "hsm-1")
    with pytest.raises(Malformed, match="Say why"):
        register.unbind_certificate(CERTIFICATE, "hsm-1", reason=" ")
    with pytest.raises(Malformed, match="Shorten it"):
        register.unbind_certificate(CERTIFICATE, "hsm-1", reason="x" * 301)
    register.unbind_certificate(CERTIFICATE, "hsm-1", reason="of another version")

    found = facts(database)
    assert found.products[0].certificates == ()
    assert [one.id for one in found.certificates] == [CERTIFICATE]  # registered, and bound to nothing
    (event,) = events(database, "assurance.certificate-unbound")
    assert (event["subject"], event["actor"]) == ({"entry": "hsm-1"}, "olga")
    assert (event["detail"]["certificate"], event["detail"]["reason"]) == (CERTIFICATE, "of another version")
    register.bind_certificate(CERTIFICATE, "hsm-1")  # it can be bound again
    assert facts(database).products[0].certificates == (CERTIFICATE,)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-PROFILE-OF-CRITERIA")
def test_no_protection_profile_is_confirmed_of_a_fips_certificate(
    register: Register, database: Database
) -> None:
    register.enter(HSM)
    register.take_in(as_json(cmvp_record()), **IMPORTED)
    register.bind_certificate(CERTIFICATE, "hsm-1")
    read = Confirmation(
        product="hsm-1",
        certificate=CERTIFICATE,
        kind=ConfirmationKind.PROFILE,
        values=("EN 419221-5",),
        by="p-1",
        on=EARLIER.date(),
        page="security policy, page 1",
    )
    with pytest.raises(Rejected, match=r"fips:9001 is a certificate of FIPS 140, .* bound\."):
        register.enter(read)
    assert facts(database).confirmations == ()


def test_one_that_no_import_has_is_told(register: Register) -> None:
    register.enter(HSM)
    with pytest.raises(Rejected, match="No import has the certificate 'fips:9001'"):
        register.bind_certificate(CERTIFICATE, "hsm-1")


def test_the_same_import_twice_makes_one_certificate_and_one_file(
    register: Register, database: Database
) -> None:
    register.enter(HSM)
    for _ in range(2):
        register.take_in(as_json(cmvp_record()), **IMPORTED)
        register.bind_certificate(CERTIFICATE, "hsm-1")

    with database.read() as connection:
        assert len(records.files(connection)) == 1
        assert len(records.history(connection, EntryKind.CERTIFICATE, CERTIFICATE)) == 1


def test_a_newer_import_renews_what_is_registered(register: Register, database: Database) -> None:
    register.enter(HSM)
    register.take_in(as_json(cmvp_record()), **IMPORTED)
    register.bind_certificate(CERTIFICATE, "hsm-1")
    later = IMPORTED | {"retrieved": NOW}
    taken = register.take_in(as_json(cmvp_record(status="Revoked", dataset="revoked")), **later)

    assert taken.changed == (CERTIFICATE,)
    assert facts(database).certificates[0].value(FactName.STATUS) == "revoked"
    assert events(database)[-1]["type"] == "assurance.certificate-entered"


def test_a_document_with_a_problem_is_imported_but_for_that(register: Register, database: Database) -> None:
    broken = cmvp_record(certificate_number="9002", overall_level="high")
    taken = register.take_in(as_json([cmvp_record(), broken]), **IMPORTED)

    assert [one.id for one in taken.imported.certificates if one.number == "9001"] == [CERTIFICATE]
    assert taken.imported.problems
    with database.read() as connection:
        assert records.find(connection, ["9001"], most=5)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NOT-AHEAD")
def test_a_download_of_a_day_that_has_not_come_is_refused(register: Register, database: Database) -> None:
    ahead = IMPORTED | {"retrieved": datetime(2026, 11, 21, tzinfo=UTC)}
    with pytest.raises(Rejected, match="is said to be of 2026-11-21, which has not come"):
        register.take_in(as_json(cmvp_record()), **ahead)
    assert events(database) == []


def test_what_nobody_can_read_is_refused_and_nothing_is_kept(register: Register, database: Database) -> None:
    with pytest.raises(Malformed):
        register.take_in(b"no list", **IMPORTED)

    with database.read() as connection:
        assert records.files(connection) == []
    assert events(database) == []


def test_a_file_that_is_too_large_is_refused(register: Register, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustworks.assurance.service.LARGEST_FILE", 10)
    with pytest.raises(BeyondLimit, match="more than the 10 octets that are kept"):
        register.keep(b"x" * 11, name="x", source="y", retrieved=NOW)


def test_two_kinds_of_source_that_differ_stay_in_conflict(register: Register, database: Database) -> None:
    register.enter(HSM)
    register.take_in(as_json(cmvp_record()), **IMPORTED)
    register.bind_certificate(CERTIFICATE, "hsm-1")
    known = facts(database).certificates[0]
    level = next(one for one in known.facts if one.name is FactName.OVERALL_LEVEL)
    by_hand = replace(
        level,
        value=2,
        provenance=replace(level.provenance, kind=SourceKind.BY_HAND, name="paper", by="p-1"),
    )
    register.enter_certificate(Certificate(kind=known.kind, number=known.number, facts=(by_hand,)))

    assert isinstance(facts(database).certificates[0].value(FactName.OVERALL_LEVEL), Conflict)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-BY-HAND-KEPT")
def test_what_was_read_by_hand_names_its_file_its_page_and_its_reader(
    register: Register, database: Database
) -> None:
    kept = register.keep(b"paper", name="paper.pdf", source="its owner", retrieved=NOW)
    whole = Provenance(
        kind=SourceKind.BY_HAND, document=kept, name="paper.pdf", retrieved=NOW, place="page 3", by="p-1"
    )
    for wrong, sentence in (
        ({"document": "0" * 64}, "is not kept"),
        ({"place": " "}, "on which page"),
        ({"by": ""}, "Say who read"),
    ):
        values: dict[str, Any] = wrong
        fact = Fact(name=FactName.EAL, value=4, provenance=replace(whole, **values))
        with pytest.raises(Rejected, match=sentence):
            register.enter_certificate(Certificate(kind=CertificateKind.CC, number="1", facts=(fact,)))
    fact = Fact(name=FactName.EAL, value=4, provenance=whole)
    register.enter_certificate(Certificate(kind=CertificateKind.CC, number="1", facts=(fact,)))
    (found,) = facts(database).certificates
    assert found.facts == (fact,)
    with pytest.raises(Malformed, match="Shorten it"):
        register.enter_certificate(found, correction="x" * 301)


def test_who_read_it_is_written_only_where_somebody_did(register: Register, database: Database) -> None:
    register.take_in(as_json(cmvp_record()), **IMPORTED)
    with database.read() as connection:
        (found,) = records.catalogued(connection, CERTIFICATE)
    assert '"by"' not in records.encode(found)  # as before there was one: an import again is no new version


def test_certificates_are_found_by_words(register: Register, database: Database) -> None:
    several = [cmvp_record(certificate_number=str(9000 + number)) for number in range(1, 30)]
    register.take_in(as_json(several), **IMPORTED)

    with database.read() as connection:
        assert len(records.find(connection, ["90"], most=10)) == 10
        assert [one.number for one in records.find(connection, ["9007"], most=10)] == ["9007"]
        assert records.find(connection, ["%"], most=10) == []


@pytest.mark.parametrize("entry", [HSM, *STATEMENTS, confirmation()], ids=lambda one: type(one).__name__)
def test_an_entry_is_read_as_it_was_written(entry: Entry) -> None:
    assert records.decode(type(entry), records.encode(entry)) == entry
    assert identify(entry) == identify(records.decode(type(entry), records.encode(entry)))


@pytest.mark.req("TRUSTWORKS:ASSURANCE-NO-DEVICE")
def test_software_that_plays_a_device_is_entered_as_none(register: Register, database: Database) -> None:
    soft = replace(HSM, manufacturer="SoftHSM project", model="SoftHSM v2")
    with pytest.raises(Rejected, match="the register says that it is SoftHSM project SoftHSM v2"):
        register.enter(replace(soft, real_hardware=True))
    register.enter(soft)
    with pytest.raises(Rejected, match="is no device"):
        register.amend_product("hsm-1", {"real_hardware": True}, correction="it is one")
    assert facts(database).products == (soft,)


@pytest.mark.req("TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED")
def test_software_becomes_a_device_by_a_correction_alone(register: Register) -> None:
    register.enter(replace(HSM, real_hardware=False))
    with pytest.raises(Refused, match="software alone to a device"):
        register.amend_product("hsm-1", {"real_hardware": True})
    register.amend_product("hsm-1", {"real_hardware": True}, correction="a wrong form")
    with pytest.raises(Refused, match="a device to software alone"):
        register.amend_product("hsm-1", {"real_hardware": False})


@pytest.mark.parametrize("last", [True, False])
def test_what_was_stated_last_of_a_day_is_the_last(
    recorder: Recorder, database: Database, last: bool
) -> None:
    moments = iter(NOW + timedelta(seconds=number) for number in range(100))
    register = Register(recorder, by="olga", now=lambda: next(moments))
    register.enter(HSM)
    for passed in (not last, last):
        register.enter(
            Check(product="hsm-1", kind=CheckKind.STORAGE, on=EARLIER.date(), passed=passed, persons=("p1",))
        )
    found = facts(database).checks
    assert [one.passed for one in found] == [not last, last]
    (item,) = check_items(found, NOW)
    assert (item.outcome is Outcome.OK) is last
