"""Is what is asked for consistent: what the table has is made, and of the rest it is said what to do."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

import pytest
from signing_house import NOW, TEXT, documents, house

from trustworks.core.errors import Rejected
from trustworks.core.trace import rule_of
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.formats.evidence import PolicyReference
from trustworks.formats.pades.creating import Look, Shown
from trustworks.formats.read import read
from trustworks.signing.create import prepare
from trustworks.signing.model import (
    CadesChoices,
    Container,
    Document,
    Format,
    JadesChoices,
    Level,
    Onto,
    Packaging,
    PadesChoices,
    Request,
    XadesChoices,
)
from trustworks.signing.rules.forms import FORMS
from trustworks.signing.rules.request import check
from trustworks.signing.rules.times import check_claimed_time

if TYPE_CHECKING:
    from collections.abc import Iterator

CLAIMS: Final = Claims(signing_time=NOW)
X, C, P, J = Format.XADES, Format.CADES, Format.PADES, Format.JADES
TWO: Final = tuple(Document(data=Octets(TEXT, name)) for name in ("a.txt", "b.txt"))
COMPACT: Final = JadesChoices(serialization="compact")


def asked(format_: Format = C, **changes: Any) -> Request:
    given: dict[str, Any] = {"claims": CLAIMS} | changes
    if given.get("packaging") is Packaging.INTERNALLY_DETACHED:
        given.setdefault("xades", XadesChoices(parts=("b",)))
    given.setdefault("documents", documents(format_, given.get("packaging")))
    return Request(format=format_, **given)


def every() -> Iterator[tuple[Format, Container | None, Packaging]]:
    for format_ in Format:
        for container in (None, *Container):
            for packaging in Packaging:
                yield format_, container, packaging


def refused(request: Request, code: str, requirement: str, *words: str) -> None:
    """It is refused by that rule, in a sentence with these words."""
    with pytest.raises(Rejected) as caught:
        check(request)
    assert caught.value.code == code
    assert rule_of(caught.value) == f"TRUSTWORKS:{requirement}"
    for one in words:
        assert one in str(caught.value)


@pytest.mark.parametrize("form", FORMS, ids=lambda form: "-".join(filter(None, form)))
def test_what_the_table_has_is_made(form: tuple[Format, Container | None, Packaging]) -> None:
    format_, container, packaging = form
    given = TWO if FORMS[form].several else documents(format_, packaging)
    request = asked(format_, container=container, packaging=packaging, documents=given)
    check(request)
    signed = prepare(request, house().person().signer)
    made = signed.complete(house().person().sign(signed.dtbs.octets), request.documents)
    beside = [one.data for one in given] if (container, packaging) == (None, Packaging.DETACHED) else []
    (found,) = read(made, detached=beside).signatures
    assert found.level.endswith("BASELINE-B")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-FORM", "TS119101:SCP-79", "ART24-2-E:D-1-d")
def test_what_the_table_has_not_is_refused() -> None:
    absent = [one for one in every() if one not in FORMS]
    assert len(absent) == len(list(every())) - len(FORMS)
    for format_, container, packaging in absent:
        request = asked(format_, container=container, packaging=packaging, documents=documents(format_))
        alone = container is not None and format_ in {P, J}
        code = "signing.container" if alone else "signing.packaging"
        refused(request, code, "SIGNING-REQUEST-FORM", "leave it out" if alone else "Use ")
    refused(
        asked(C, packaging=Packaging.ENVELOPED), "signing.packaging", "SIGNING-REQUEST-FORM",
        "CAdES is not made enveloped. Use enveloping or detached.",
    )  # fmt: skip


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-DOCUMENTS")
@pytest.mark.parametrize("form", [one for one, found in FORMS.items() if not found.several])
def test_more_documents_than_the_form_is_for(form: tuple[Format, Container | None, Packaging]) -> None:
    format_, container, packaging = form
    request = asked(format_, container=container, packaging=packaging, documents=TWO)
    refused(request, "signing.documents", "SIGNING-REQUEST-DOCUMENTS", "2 were given", "ASiC-E")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-DOCUMENTS")
def test_no_document_and_documents_that_nothing_names() -> None:
    refused(asked(documents=()), "signing.documents", "SIGNING-REQUEST-DOCUMENTS", "Give a document")
    unnamed = asked(J, packaging=Packaging.DETACHED, documents=TWO, jades=JadesChoices(mechanism="none"))
    refused(unnamed, "signing.documents", "SIGNING-REQUEST-DOCUMENTS", "mechanism hash")
    check(replace(unnamed, jades=JadesChoices()))
    # Those beside the first are the data of the file that is countersigned.
    check(asked(C, documents=TWO, onto=Onto.COUNTER))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-ONTO")
@pytest.mark.parametrize(
    ("format_", "changes"),
    [
        (P, {"onto": Onto.COUNTER}),
        (X, {"onto": Onto.PARALLEL, "packaging": Packaging.ENVELOPING}),
        (X, {"onto": Onto.PARALLEL, "packaging": Packaging.DETACHED}),
        (C, {"onto": Onto.PARALLEL, "container": Container.ASIC_S}),
        (X, {"onto": Onto.COUNTER, "container": Container.ASIC_E}),
    ],
)
def test_a_signature_that_has_no_place_beside_others(format_: Format, changes: dict[str, Any]) -> None:
    refused(asked(format_, **changes), "signing.onto", "SIGNING-REQUEST-ONTO", "no place for")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-JADES")
def test_a_compact_jws_is_by_itself() -> None:
    for onto in (Onto.PARALLEL, Onto.COUNTER):
        refused(asked(J, jades=COMPACT, onto=onto), "signing.onto", "SIGNING-REQUEST-JADES", "flattened")
    named = asked(J, jades=JadesChoices(mechanism="uri"))
    refused(named, "signing.choice", "SIGNING-REQUEST-JADES", "mechanism")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-TARGET")
def test_a_target_without_a_counter_signature() -> None:
    refused(asked(target="S-1"), "signing.target", "SIGNING-REQUEST-TARGET", "no counter-signature")
    check(asked(target="S-1", onto=Onto.COUNTER))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-LEVEL")
@pytest.mark.parametrize("level", [Level.T, Level.LT, Level.LTA])
def test_a_level_that_has_no_place(level: Level) -> None:
    compact = asked(J, jades=COMPACT, level=level)
    refused(compact, "signing.level", "SIGNING-REQUEST-LEVEL", f"time-stamps of {level}", "flattened")
    counter = asked(C, onto=Onto.COUNTER, level=level)
    refused(counter, "signing.level", "SIGNING-REQUEST-LEVEL", "made at B-B")
    for format_ in Format:
        check(asked(format_, level=level))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-CHOICES")
@pytest.mark.parametrize(
    ("format_", "choices"),
    [
        (C, {"xades": XadesChoices(sign_key_info=True)}),
        (X, {"pades": PadesChoices(reason="because")}),
        (P, {"cades": CadesChoices(description="a contract")}),
        (C, {"jades": COMPACT}),
    ],
)
def test_what_is_chosen_of_another_format_is_not_dropped(format_: Format, choices: dict[str, Any]) -> None:
    refused(asked(format_, **choices), "signing.choice", "SIGNING-REQUEST-CHOICES", "Leave it out")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-XADES")
@pytest.mark.parametrize(
    ("chosen", "packaging"),
    [
        ({"parts": ("b",)}, Packaging.ENVELOPED),
        ({"within": "b"}, Packaging.DETACHED),
        ({"as_xml": True}, Packaging.DETACHED),
        ({"beside_others": True}, Packaging.ENVELOPING),
        ({"manifest": True}, Packaging.ENVELOPED),
    ],
)
def test_a_choice_of_xades_that_the_packaging_has_not(chosen: dict[str, Any], packaging: Packaging) -> None:
    request = asked(X, packaging=packaging, xades=XadesChoices(**chosen))
    refused(request, "signing.choice", "SIGNING-REQUEST-XADES", packaging)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-XADES")
def test_parts_are_named_where_parts_are_signed() -> None:
    request = asked(X, packaging=Packaging.INTERNALLY_DETACHED, xades=XadesChoices())
    refused(request, "signing.choice", "SIGNING-REQUEST-XADES", "Give their identifiers")
    check(replace(request, onto=Onto.COUNTER))
    listed = asked(X, container=Container.ASIC_E, documents=TWO, xades=XadesChoices(manifest=True))
    refused(listed, "signing.choice", "SIGNING-REQUEST-XADES", "a manifest")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-CONTENT-STAMP")
def test_no_content_time_stamp_is_made_for_a_counter_signature() -> None:
    request = asked(C, onto=Onto.COUNTER, content_time_stamp=True)
    refused(request, "signing.content-time-stamp", "SIGNING-REQUEST-CONTENT-STAMP", "Leave it out")
    check(asked(C, content_time_stamp=True))


@pytest.mark.req("TRUSTWORKS:SIGNING-REFERENCE-HASH", "TS119101:SCP-80", "EN419111:2-CRYPTOGRAPHY")
@pytest.mark.parametrize("name", ["sha1", "sha224", "md5", "", "no such"])
def test_no_reference_is_made_by_a_weak_hash(name: str) -> None:
    refused(asked(X, hash_name=name), "digest.unknown", "SIGNING-REFERENCE-HASH", "Use one of sha256")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-TIME")
def test_a_signature_says_when_it_was_made() -> None:
    refused(asked(claims=Claims()), "signing.time", "SIGNING-REQUEST-TIME", "Give it, in UTC")
    naive = Claims(signing_time=datetime(2026, 1, 1, 12))  # noqa: DTZ001 - what is refused
    refused(asked(claims=naive), "signing.time", "SIGNING-REQUEST-TIME", "zone")


@pytest.mark.req("TRUSTWORKS:SIGNING-TIME-TRUE")
def test_a_signature_claims_no_other_time() -> None:
    now = datetime(2026, 6, 1, 12, tzinfo=UTC)
    minute = timedelta(minutes=1)
    for claimed in (now - 6 * minute, now + 6 * minute):
        with pytest.raises(Rejected, match="Leave the time out") as caught:
            check_claimed_time(Claims(signing_time=claimed), now)
        assert caught.value.code == "signing.time"
    check_claimed_time(Claims(signing_time=now - 4 * minute), now)
    check_claimed_time(Claims(), now)
    with pytest.raises(Rejected, match="12:00:00 UTC"):
        check_claimed_time(Claims(signing_time=now - 2 * minute), now, minute)


DOCUMENT: Final = b"the policy"
POLICY: Final = PolicyReference(
    identifier="1.2.3.4", digest_algorithm="sha256", digest=hashlib.sha256(DOCUMENT).digest()
)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-POLICY", "TS119101:SCP-44")
@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"digest": None}, "no digest is given"),
        ({"digest_algorithm": None}, "no digest is given"),
        ({"digest_algorithm": "sha1"}, "not relied on"),
        ({"digest": b"short"}, "has 5 octets, and sha256 gives 32"),
        ({"octets": b"another"}, "not that of the document"),
    ],
)
def test_a_policy_is_named_with_its_digest(changes: dict[str, Any], words: str) -> None:
    claims = replace(CLAIMS, policy=replace(POLICY, **changes))
    refused(asked(claims=claims), "signing.policy", "SIGNING-REQUEST-POLICY", words)


@pytest.mark.parametrize(
    "policy",
    [
        POLICY,
        replace(POLICY, octets=DOCUMENT),
        # What the digest of a transformed document is over, only who transforms it can tell.
        replace(POLICY, octets=b"before it", transforms=("urn:some-transform",)),
        PolicyReference(identifier=None),
    ],
)
def test_a_policy_that_is_bound(policy: PolicyReference) -> None:
    check(asked(X, claims=replace(CLAIMS, policy=policy)))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-CLAIMS", "TS119101:SCP-79")
@pytest.mark.parametrize(
    ("claims", "words"),
    [
        ({"claimed_roles": ("",)}, "A role is empty"),
        ({"claimed_roles": ("CEO", "CEO")}, "A role is claimed twice"),
        ({"commitments": ("1.2.3", "1.2.3")}, "A commitment is claimed twice"),
        ({"commitments": (" ",)}, "A commitment is empty"),
        ({"location": {"city": ""}}, "A part of the place is empty"),
        ({"certified_roles": (b"0", b"0")}, "A certified role is given twice"),
    ],
)
def test_a_claim_says_something_once(claims: dict[str, Any], words: str) -> None:
    request = asked(claims=replace(CLAIMS, **claims))
    refused(request, "signing.claims", "SIGNING-REQUEST-CLAIMS", words)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-TEXT")
@pytest.mark.parametrize("odd", ["\0", "\x1b", "\x7f", "\x85", "\ud800", "\uffff"])
@pytest.mark.parametrize("format_", [X, C, P, J])
def test_what_is_said_has_no_control_characters(format_: Format, odd: str) -> None:
    said = f"a{odd}b"
    policy = PolicyReference(identifier="1.2.3", digest_algorithm="sha256", digest=bytes(32))
    given: tuple[tuple[dict[str, Any], str], ...] = (
        ({"claimed_roles": ("CEO", said)}, "A role"),
        ({"location": {"city": said}}, "The place"),
        ({"location": {said: "a"}}, "The place"),
        ({"commitments": (said,)}, "A commitment"),
        ({"policy": replace(policy, identifier=said)}, "The signature policy"),
        ({"policy": replace(policy, uri=said)}, "The signature policy"),
        ({"policy": replace(policy, user_notice=said)}, "The signature policy"),
    )
    for claims, words in given:
        request = asked(format_, claims=Claims(signing_time=NOW, **claims))
        refused(request, "signing.text", "SIGNING-REQUEST-TEXT", f"{words} has the character {odd!a}, which")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-TEXT")
@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("reason", "The reason"),
        ("location", "The location"),
        ("name", "The name of the signer"),
        ("contact", "How the signer is reached"),
    ],
)
def test_what_a_pdf_and_a_hint_say_has_none_either(name: str, words: str) -> None:
    text: dict[str, Any] = {name: "a\x1bb"}
    refused(asked(P, pades=PadesChoices(**text)), "signing.text", "SIGNING-REQUEST-TEXT", words)
    look = Shown(look=Look(text="a"), place=None, alternative="a\0")
    refused(asked(P, pades=PadesChoices(widget=look)), "signing.text", "SIGNING-REQUEST-TEXT", "What is read")
    request = asked(C, cades=CadesChoices(description="a\0"))
    refused(request, "signing.text", "SIGNING-REQUEST-TEXT", "The description")
    check(asked(P, pades=PadesChoices(**(text | {name: "one\ttwo\r\n\u00fc \U0001f58b"}))))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-IDENTIFIERS")
@pytest.mark.parametrize(
    ("format_", "named"),
    [
        *((one, "proof-of-aproval") for one in Format),
        *((one, "1..2") for one in Format),
        *((one, "1.40.1") for one in Format),
        *((one, "3.1.2") for one in Format),
        *((one, "1.2.03") for one in Format),
        (X, "https://policy.example/a b"),
        (J, "https:"),
        (C, "https://policy.example/1"),
        (P, "urn:oid:1.2.3"),
    ],
)
def test_what_names_nothing_is_refused(format_: Format, named: str) -> None:
    commitment = asked(format_, claims=replace(CLAIMS, commitments=(named,)))
    known = ("proof-of-origin, proof-of-receipt", "object identifier")
    refused(commitment, "signing.identifier", "SIGNING-REQUEST-IDENTIFIERS", *known)
    policy = asked(format_, claims=replace(CLAIMS, policy=replace(POLICY, identifier=named)))
    refused(policy, "signing.identifier", "SIGNING-REQUEST-IDENTIFIERS", "names no signature policy")


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-IDENTIFIERS")
@pytest.mark.parametrize(
    ("format_", "named"),
    [
        *((one, "1.2.840.113549.1.9.16.6.1") for one in Format),
        *((one, "2.999.340282366920938463463374607431768211455") for one in Format),
        *((one, "https://policy.example/1?a=b#c") for one in (X, J)),
        *((one, "urn:oid:1.2.3") for one in (X, J)),
    ],
)
def test_identifiers_name_commitments_and_policies(format_: Format, named: str) -> None:
    check(asked(format_, claims=replace(CLAIMS, commitments=(named,))))
    check(asked(format_, claims=replace(CLAIMS, policy=replace(POLICY, identifier=named))))


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-REASON")
def test_a_pdf_says_why_and_where_once() -> None:
    chosen = PadesChoices(reason="I agree", location="Somewhere")
    for claims in (
        replace(CLAIMS, commitments=("1.2.840.113549.1.9.16.6.1",)),
        replace(CLAIMS, policy=POLICY),
    ):
        refused(
            asked(P, pades=chosen, claims=claims), "signing.reason", "SIGNING-REQUEST-REASON", "Leave one"
        )
    place = replace(CLAIMS, location={"country": "XX"})
    refused(asked(P, pades=chosen, claims=place), "signing.location", "SIGNING-REQUEST-REASON", "twice")
    check(asked(P, pades=chosen))
