"""Whom lists of lists and national lists are believed by (TS 119 615, 4.1 and 4.2)."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from trusted_list_bench import LOTL, NOW, PUBLICATION, Party, list_of_lists, list_xml, party, pointer, sign

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.trusted_lists import authenticate as auth
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS
from trustworks.core.pki.trusted_lists.read import parse, read_trusted_list
from trustworks.core.pki.trusted_lists.signature import check_references, signature_holds, verify_signature
from trustworks.core.xml.document import Document
from trustworks.core.xml.dsig import Signature, read_signature

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

COMMISSION, NEWER, NATIONAL = party("Commission"), party("Commission 2"), party("Operator")
PIVOT = "https://lists.example/pivot-299.xml"
OLDER_PIVOT = "https://lists.example/pivot-200.xml"


def web(files: Mapping[str, bytes]) -> Callable[[str], bytes]:
    """Addresses with what is there."""

    def fetch(address: str) -> bytes:
        if address not in files:
            raise Unavailable("test", f"{address} is not there.")
        return files[address]

    return fetch


def journal(*signers: Party, publication: str = PUBLICATION) -> OfficialJournal:
    return OfficialJournal(
        publication=publication, location=LOTL, certificates=tuple(one.der for one in signers)
    )


def lotl(files: Mapping[str, bytes], *signers: Party) -> auth.Authenticated:
    return auth.authenticate_list_of_lists(journal(*(signers or (COMMISSION,))), web(files), NOW)


def test_a_list_of_lists_is_believed_by_what_the_official_journal_published() -> None:
    found = lotl({LOTL: list_of_lists({}, signer=COMMISSION)})
    assert (found.status, found.sub_status) == (auth.LOTL_PASSED, ())
    assert found.list is not None
    assert found.journal == journal(COMMISSION)


@pytest.mark.req("TS119615:PRO-4.1.4-12")
def test_a_list_of_lists_of_others_is_not_believed() -> None:
    found = lotl({LOTL: list_of_lists({}, signer=NEWER)})
    assert found.list is None
    assert found.sub_status == ("PIVOT_0_LOTLSO_SIGNER_CERT_NOT_AUTHENTICATED_BY_OJEU",)
    assert not auth.published(NEWER.der, journal(COMMISSION))


@pytest.mark.req("TS119615:PRO-4.1.4-10", "TS119615:PRO-4.2.4-07")
def test_a_signer_must_be_named_octet_for_octet() -> None:
    found = lotl({LOTL: list_of_lists({}, signer=COMMISSION, named=[NEWER])})
    assert found.sub_status == (auth.LOTL_SIGNER,)
    (to_eu,) = read_trusted_list(list_of_lists({}, signer=COMMISSION)).scheme.pointers
    assert auth.signer_pinned(COMMISSION.der, to_eu)
    assert not auth.signer_pinned(NEWER.der, to_eu)


@pytest.mark.req("TS119615:PRO-4.1.4-11")
def test_pivots_lead_from_a_new_signer_back_to_the_official_journal() -> None:
    uris = (PIVOT, OLDER_PIVOT, PUBLICATION, "https://lists.example/other.xml")
    files = {
        LOTL: list_of_lists({}, signer=NEWER, named=[NEWER], uris=uris),
        PIVOT: list_of_lists({}, signer=NEWER, named=[NEWER, COMMISSION]),
        OLDER_PIVOT: list_of_lists({}, signer=COMMISSION, named=[NEWER, COMMISSION]),
    }
    assert lotl(files).status == auth.LOTL_PASSED
    assert lotl(files).pivots == (files[PIVOT], files[OLDER_PIVOT])
    for address, wrong, code in (
        (PIVOT, list_of_lists({}, signer=NEWER, named=[COMMISSION]), "PIVOT_0_SIGNER_CERT_NOT_"),
        (OLDER_PIVOT, list_of_lists({}, signer=COMMISSION, named=[NEWER]), "PIVOT_2_SIGNER_CERT_NOT_"),
        (OLDER_PIVOT, files[OLDER_PIVOT].replace(b">Operator<", b">Intruder<"), "PIVOT_2_SIGNATURE_"),
    ):
        found = lotl({**files, address: wrong})
        assert found.list is None
        assert found.sub_status[-1].startswith(code)


@pytest.mark.req("TS119615:PRO-4.1.4-03", "TS119615:PRO-4.1.4-04")
def test_the_pivots_are_what_stands_before_the_publication() -> None:
    listed = read_trusted_list(
        list_xml(
            uris=[PIVOT, "http://lists.example/no.xml", "https://other.example/", PUBLICATION, OLDER_PIVOT]
        ).encode()
    ).scheme.information_uris
    assert auth.pivots(listed, PUBLICATION) == (PIVOT,)
    assert auth.pivots(listed, "https://journal.example/unheard") is None
    found = lotl({LOTL: list_of_lists({}, signer=COMMISSION, uris=["https://journal.example/oj-2"])})
    assert found.sub_status == (auth.OJ_NOT_NAMED,)


@pytest.mark.req("TS119615:PRO-4.1.4-05")
def test_a_list_of_lists_that_moved_is_the_same_at_both_places() -> None:
    new = "https://lists.example/new-lotl.xml"
    octets = list_of_lists({}, signer=COMMISSION, location=new)
    found = lotl({LOTL: octets, new: octets})
    assert found.journal is not None
    assert found.journal.location == new
    assert lotl({LOTL: octets, new: octets + b"\n"}).sub_status == (auth.FILE_CONFLICT,)
    assert not auth.same_file(octets, octets + b"\n")


@pytest.mark.req("TS119615:PRO-4.1.4-16", "TS119615:PRO-4.1.4-17")
def test_a_new_publication_is_configured_from_the_pivot_named_after_it() -> None:
    newest = "https://journal.example/oj-2"
    files = {
        LOTL: list_of_lists({}, signer=COMMISSION, uris=[newest, PIVOT, PUBLICATION]),
        PIVOT: list_of_lists({}, signer=COMMISSION, named=[COMMISSION, NEWER]),
    }
    found = lotl(files)
    assert found.journal == journal(COMMISSION, NEWER, publication=newest)
    read = read_trusted_list(files[LOTL])
    assert auth.renewed_journal(journal(COMMISSION), read, web({}), DEFAULT_LIMITS) == (
        journal(COMMISSION),
        (auth.NEW_JOURNAL,),
    )
    alone = lotl({LOTL: list_of_lists({}, signer=COMMISSION, uris=[newest, PUBLICATION])})
    assert (alone.journal, alone.sub_status) == (journal(COMMISSION), (auth.NEW_JOURNAL,))


@pytest.mark.req("TS119615:PRO-4.1.4-13", "TS119615:PRO-4.2.4-10")
def test_an_overdue_list_of_lists_is_not_believed_and_an_overdue_list_with_a_warning() -> None:
    old = NOW - timedelta(seconds=1)
    overdue = lotl({LOTL: list_of_lists({}, signer=COMMISSION, next_update=old)})
    assert (overdue.list, overdue.sub_status) == (None, (auth.LOTL_OVERDUE,))
    found = national(sign(list_xml(next_update=old), NATIONAL))
    assert found.list is not None
    assert found.sub_status == (auth.EUTL_OVERDUE,)


def read(octets: bytes) -> tuple[Document, Signature]:
    """A signed list, with its signature as it stands."""
    document = Document(parse(octets))
    return document, read_signature(document.root[-1], document)


def national(octets: bytes, by: Party = NATIONAL) -> auth.Authenticated:
    files = {LOTL: list_of_lists({"EL": by}, signer=COMMISSION), "https://lists.example/EL.xml": octets}
    return auth.authenticate_trusted_list("EL", lotl(files), web(files), NOW)


def test_a_national_list_is_believed_by_the_list_of_lists() -> None:
    found = national(sign(list_xml(), NATIONAL))
    assert (found.status, found.sub_status) == (auth.EUTL_PASSED, ())
    assert national(sign(list_xml(), NATIONAL), COMMISSION).sub_status == (auth.EUTL_SIGNER,)


@pytest.mark.req("TS119612:5.3.10")
def test_a_list_of_another_territory_is_not_believed() -> None:
    found = national(sign(list_xml("BE"), NATIONAL))
    assert (found.list, found.sub_status) == (None, (auth.WRONG_TERRITORY,))
    assert not auth.of_territory(read_trusted_list(list_xml("BE").encode()).scheme, "EL")


@pytest.mark.parametrize(
    ("xml", "says"),
    [
        (list_xml(version=7), "version 7"),
        (
            list_xml(scheme_extensions='<tsl:Extension Critical="true"><tsl:X/></tsl:Extension>'),
            "critical extension",
        ),
    ],
)
@pytest.mark.req("TS119612:5.3.1", "TS119612:5.3.17")
def test_a_list_of_an_unknown_form_is_not_used(xml: str, says: str) -> None:
    found = national(sign(xml, NATIONAL))
    assert (found.list, found.sub_status) == (None, (auth.UNREADABLE,))
    assert says in found.words[0]
    with pytest.raises(Rejected, match=says):
        auth.check_format(read_trusted_list(xml.encode()))


def test_what_is_missing_is_told() -> None:
    files = {LOTL: list_of_lists({"EL": NATIONAL}, signer=COMMISSION)}
    assert lotl({}).sub_status == (auth.UNAVAILABLE,)
    believed = lotl(files)
    assert auth.authenticate_trusted_list("EL", believed, web(files), NOW).sub_status == (auth.UNAVAILABLE,)
    assert auth.authenticate_trusted_list("FR", believed, web(files), NOW).sub_status == (auth.NO_POINTER,)
    after = auth.authenticate_trusted_list("EL", lotl({}), web(files), NOW)
    assert (after.status, after.sub_status) == (auth.TL_FAILED, (auth.LOTL_FAILED, auth.UNAVAILABLE))
    assert (
        auth.pointer_to(
            read_trusted_list(
                list_xml(
                    pointers=[pointer("EL", "https://x.example/a.pdf", mime_type="application/pdf")]
                ).encode()
            ).scheme.pointers,
            "EL",
        )
        is None
    )


def test_a_list_of_lists_outside_the_eu_is_known_by_its_type() -> None:
    """It may be of the same territory as a list that it points to (TS 119 612, 5.3.3)."""
    root = "http://uri.etsi.org/TrstSvc/TrustedList/TSLType/"
    text = list_xml(
        "XX",
        pointers=[
            pointer("XX", "https://x.example/lotl.xml", NATIONAL),
            pointer("XX", "https://x.example/XX.xml", NATIONAL),
        ],
    )
    scheme = read_trusted_list(text.encode()).scheme
    first, second = scheme.pointers
    itself = replace(first, type=f"{root}XXlistofthelists")
    own = replace(second, type=f"{root}XXlist")
    lists = replace(scheme, type=itself.type, pointers=(itself, own))
    assert auth.pointer_to_itself(lists) is itself
    assert auth.pointer_to(lists.pointers, "XX") is own
    # A list that is none of lists does not point to itself, and the EU's is known by its territory.
    assert auth.pointer_to_itself(replace(lists, type=own.type)) is None
    assert auth.pointer_to_itself(replace(lists, pointers=(own,))) is None
    eu = replace(itself, territory="EU", type="")
    assert auth.pointer_to_itself(replace(lists, territory="EU", pointers=(own, eu))) is eu


@pytest.mark.req("TS119615:PRO-4.1.4-07", "TS119615:PRO-4.1.4-08", "TS119615:PRO-4.2.4-08")
def test_a_signature_is_verified_with_the_key_that_comes_with_it() -> None:
    signed = sign(list_xml(), NATIONAL)
    assert verify_signature(parse(signed)).problem is None
    changed = national(signed.replace(b">Operator<", b">Intruder<"))
    assert changed.sub_status == ("HASH_FAILURE", auth.EUTL_SIGNATURE)
    broken = national(re.sub(rb"(<ds:SignatureValue>).{8}", rb"\1AAAAAAAA", signed))
    assert broken.sub_status == ("SIG_CRYPTO_FAILURE", auth.EUTL_SIGNATURE)
    (_, signature) = read(signed)
    assert signature_holds(signature, NATIONAL.der)
    assert not signature_holds(signature, COMMISSION.der)


@pytest.mark.req("TS119612:5.7.1")
@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (b'URI=""', b'URI="#elsewhere"', "FORMAT_FAILURE"),
        (b'URI="#P1"', b'URI="#L1"', "FORMAT_FAILURE"),
        (b'xmldsig#enveloped-signature"', b'xmldsig#base64"', "FORMAT_FAILURE"),
        (b"01903#SignedProperties", b"01903#Other", "FORMAT_FAILURE"),
        (b"<tsl:TSLType>", b'<tsl:TSLType Id="P1">', "FORMAT_FAILURE"),
        (b"2001/04/xmlenc#sha256", b"2000/09/xmldsig#sha1", "CRYPTO_CONSTRAINTS_FAILURE"),
        (b"ecdsa-sha256", b"ecdsa-sha1", "CRYPTO_CONSTRAINTS_FAILURE"),
    ],
)
def test_nothing_less_than_the_list_may_be_signed(old: bytes, new: bytes, code: str) -> None:
    octets = sign(list_xml(), NATIONAL)
    assert old in octets
    root = parse(octets.replace(old, new))
    problem = verify_signature(root).problem
    assert problem is not None
    assert problem.code == code
    if code == "FORMAT_FAILURE":
        with pytest.raises(Rejected):
            check_references(*read(octets.replace(old, new)))


def test_a_list_has_one_signature_and_its_signer_one_certificate() -> None:
    unsigned = list_xml().encode()
    signed = sign(list_xml(), NATIONAL)
    begin = signed.index(b"<ds:Signature ")
    twice = signed.replace(b"</tsl:TrustServiceStatusList>", signed[begin:])
    certificates = re.sub(rb"(<ds:X509Certificate>.*</ds:X509Certificate>)", rb"\1\1", signed)
    for octets in (unsigned, twice, certificates):
        with pytest.raises(Malformed):
            verify_signature(parse(octets))


def test_another_certificate_in_place_of_the_signers_is_found() -> None:
    signed = sign(list_xml(), NATIONAL)
    start, end = (signed.index(one) for one in (b"<ds:X509Certificate>", b"</ds:X509Certificate>"))
    other = sign(list_xml(), COMMISSION)
    place = other.index(b"<ds:X509Certificate>"), other.index(b"</ds:X509Certificate>")
    problem = verify_signature(parse(signed[:start] + other[place[0] : place[1]] + signed[end:])).problem
    assert problem is not None
    assert problem.code == "NO_SIGNING_CERTIFICATE_FOUND"
