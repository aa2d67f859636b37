"""Every input that once did harm, or is made to, is read or refused by a sentence, by each parser.

`tests/vectors/findings` has a folder for each parser of what others send. Who finds an input that makes one
crash, hang or grow puts it there, and what is expected of it into `findings.toml`, and both stay; large ones
are made here. Each is read under strict limits, and under those of the product. Property tests beside each
parser look for new ones, as many examples each as they say.
"""

from __future__ import annotations

import base64
import io
import tomllib
import zipfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trustworks.core.der import ber
from trustworks.core.der.encode import tlv
from trustworks.core.der.times import read_time
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.pki.trusted_lists.read import read_trusted_list
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Evidence
from trustworks.formats.evidence_record import first_time
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.formats.read import read
from trustworks.formats.time_stamp import parse_token
from trustworks.validation.policies.dss_policy import read_dss_policy
from trustworks.validation.policies.policy import SHIPPED, parse
from trustworks.validation.policies.suite_files import read_suite

if TYPE_CHECKING:
    from collections.abc import Callable

FINDINGS: Final = Path(__file__).parents[1] / "vectors" / "findings"
EXPECTED: Final = tomllib.loads(Path(__file__).with_name("findings.toml").read_text(encoding="utf-8"))
LIMITS: Final = Limits(work=200_000, elements=20_000)
DEEP: Final = 10_000
"""How deep, and how many, the inputs are that are made here."""


def element_and_all_below(octets: bytes) -> object:
    """What BER is, to its leaves, each in every way in which it may be read."""
    waiting = [ber.read(octets, elements=10_000)]
    while waiting:
        found = waiting.pop()
        for way in (found.string, found.bits, found.integer, found.oid, lambda found=found: read_time(found)):
            with suppress(Malformed):
                way()
        if found.constructed:
            waiting.extend(found.children())
    return None


PARSERS: Final[dict[str, Callable[[bytes, Limits], Any]]] = {
    "signed-file": lambda octets, limits: read(Octets(octets), limits=limits),
    "evidence-record": first_time,
    "time-stamp": lambda octets, _: parse_token(octets),
    "certificate": lambda octets, _: Certificate.read(octets),
    "revocation-list": lambda octets, _: RevocationList.read(octets),
    "ocsp-answer": lambda octets, _: OcspAnswer.read(octets),
    "trusted-list": lambda octets, _: read_trusted_list(octets),
    "policy": lambda octets, _: parse(octets.decode("utf-8", "replace")),
    "dss-policy": lambda octets, _: read_dss_policy(octets),
    "suite": lambda octets, _: read_suite(octets),
    "ber": lambda octets, _: element_and_all_below(octets),
}


def outcome(parser: str, octets: bytes, limits: Limits = LIMITS) -> str | list[str]:
    """The sentence of a refusal; where the octets are read, the codes of what was found in them."""
    try:
        found = PARSERS[parser](octets, limits)
    except (Malformed, Rejected) as refusal:
        return str(refusal)
    return codes_in(found) if isinstance(found, Evidence) else []


def codes_in(found: Evidence) -> list[str]:
    findings = [
        found.findings,
        *(one.findings for one in found.signatures),
        *(one.findings for one in found.time_stamps),
        *(one.findings for one in found.evidence_records),
    ]
    return sorted({one.code for several in findings for one in several})


def test_every_parser_has_findings_and_every_finding_a_parser() -> None:
    assert sorted(one.name for one in FINDINGS.iterdir()) == sorted(PARSERS)


def test_what_is_expected_of_each_is_kept_beside_it() -> None:
    there = {(one.parent.name, one.name) for one in FINDINGS.glob("*/*")}
    assert {(parser, name) for parser, names in EXPECTED.items() for name in names} == there


def expected(said: str | list[str], wanted: str | list[str]) -> bool:
    """Whether a refusal begins so, as a sentence to its end, or these codes were found."""
    if isinstance(said, str) and isinstance(wanted, str):
        return said.startswith(wanted) and said.endswith((".", "…"))
    return said == wanted


@pytest.mark.parametrize("limits", [LIMITS, DEFAULT], ids=["strict", "default"])
@pytest.mark.parametrize(
    ("parser", "name"), sorted((one.parent.name, one.name) for one in FINDINGS.glob("*/*"))
)
def test_what_was_found_is_read_or_refused_as_is_kept(parser: str, name: str, limits: Limits) -> None:
    said = outcome(parser, (FINDINGS / parser / name).read_bytes(), limits)
    assert expected(said, EXPECTED[parser][name]), said


SIGNED_XML: Final = (
    b'<Signature xmlns="http://www.w3.org/2000/09/xmldsig#"><SignedInfo><CanonicalizationMethod '
    b'Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/><SignatureMethod '
    b'Algorithm="http://www.w3.org/2001/04/xmldsig-more#ecdsa-sha256"/>%s</SignedInfo>'
    b"<SignatureValue>AAAA</SignatureValue></Signature>"
)
REFERENCE: Final = (
    b'<Reference URI=""><Transforms><Transform Algorithm="http://www.w3.org/2000/09/xmldsig#'
    b'enveloped-signature"/></Transforms><DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#sha256"/>'
    b"<DigestValue>AAAA</DigestValue></Reference>"
)
SIGNED_DATA: Final = b"\x30\x80\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x07\x02\xa0\x80"
"""The beginning of CMS signed data, of no definite length."""


def jws(header: bytes) -> bytes:
    """A flattened JWS with that protected header."""
    protected = base64.urlsafe_b64encode(header).rstrip(b"=")
    return b'{"payload":"AAAA","protected":"%s","signature":"AAAA"}' % protected


def certificate(serial: bytes) -> bytes:
    """The outline of a certificate with that serial number."""
    empty, time = tlv(0x30), tlv(0x17, b"260101000000Z")
    return tlv(
        0x30, tlv(0x30, serial, empty, empty, tlv(0x30, time, time), empty, empty), empty, tlv(3, b"\0")
    )


def archive_of(number: int) -> bytes:
    """A container with that many empty members."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as container:
        container.writestr("mimetype", "application/vnd.etsi.asic-e+zip")
        for one in range(number):
            container.writestr(f"m{one}", b"")
    return made.getvalue()


JSON_DEEP: Final = "The JSON nests deeper than the 256 levels that are read."
PDF_WITHOUT_ROOT: Final = "The PDF cannot be read: its cross-reference sections are damaged"
PDF_STEPS: Final = "The objects of the PDF take more than 200000 steps to follow."
LARGE: Final[dict[str, tuple[str, Callable[[], bytes], str]]] = {
    "elements of XML, nested": (
        "signed-file",
        lambda: b"<a>" * DEEP + SIGNED_XML % REFERENCE + b"</a>" * DEEP,
        "More of the XML document than is read: Excessive depth in document",
    ),
    "references of XML": (
        "signed-file",
        lambda: SIGNED_XML % (REFERENCE * DEEP),
        "A signature has 10000 references, more than the 1000 that are resolved.",
    ),
    "objects of JSON, nested": (
        "signed-file",
        lambda: b'{"payload":' + b'{"a":' * DEEP + b"1" + b"}" * DEEP + b"}",
        JSON_DEEP,
    ),
    "digits of a number of JSON": (
        "signed-file",
        lambda: b'{"payload":"","protected":"e30","signature":' + b"9" * DEEP + b"}",
        "The JSON cannot be read: it has a number of more digits than are read.",
    ),
    "lists in a header of a JWS, nested": (
        "signed-file",
        lambda: jws(b'{"alg":"ES256","x":' + b"[" * DEEP + b"]" * DEEP + b"}"),
        JSON_DEEP,
    ),
    "references of a JWS": (
        "signed-file",
        lambda: jws(
            b'{"alg":"ES256","crit":["sigD"],"sigD":{"mId":"http://uri.etsi.org/19182/ObjectIdByURIHash",'
            b'"hashM":"S256","pars":[%s],"hashV":[%s]}}'
            % (b",".join([b'"a"'] * DEEP), b",".join([b'"AAAA"'] * DEEP))
        ),
        "sigD names 10000 data objects, more than the 1000 read.",
    ),
    "lengths of CMS that are not definite, nested": (
        "signed-file",
        lambda: SIGNED_DATA + b"\x30\x80" * DEEP + b"\0\0" * (DEEP + 2),
        "At octet 523 more than 256 elements are open",
    ),
    "lengths of a certificate that are not definite, nested": (
        "certificate",
        lambda: b"\x30\x80" * DEEP + b"\0\0" * DEEP,
        "At octet 512 more than 256 elements are open",
    ),
    "a serial number of half a million octets": (
        "certificate",
        lambda: certificate(tlv(0x02, b"\x7f" * 500_000)),
        "The INTEGER at octet 10 has 500000 octets; 1 to 1024 are read.",
    ),
    "arrays of PDF, nested": (
        "signed-file",
        lambda: b"%PDF-1.7\n1 0 obj\n" + b"[" * DEEP + b"]" * DEEP + b"\nendobj\ntrailer<</Root 1 0 R>>",
        "A PDF object is nested more than 256 deep.",
    ),
    "parentheses in a string of PDF": (
        "signed-file",
        lambda: b"%PDF-1.7\n1 0 obj" + b"(" * 1_000_000 + b"()" * 50_000,
        PDF_WITHOUT_ROOT,
    ),
    "escapes in a name of PDF": (
        "signed-file",
        lambda: b"%PDF-1.7\n1 0 obj/" + b"#41" * 50_000,
        PDF_WITHOUT_ROOT,
    ),
    "objects of PDF": (
        "signed-file",
        lambda: (
            b"%PDF-1.7\n"
            + b"".join(b"%d 0 obj<</Type/Sig/ByteRange[0 1 2 3]>>endobj\n" % n for n in range(1, DEEP))
        ),
        PDF_WITHOUT_ROOT,
    ),
    "numbers in the heading of an object stream": (
        "signed-file",
        lambda: (
            b"%PDF-1.7\n1 0 obj<</Type/ObjStm/N 999999999/First 999999999>>stream\n"
            + b"1 2 " * 50_000
            + b"\nendstream"
        ),
        PDF_WITHOUT_ROOT,
    ),
    "members of a container": (
        "signed-file",
        lambda: archive_of(DEEP),
        "The container has 10001 members, more than the 10000 read.",
    ),
    "tables of a policy, nested": (
        "policy",
        lambda: b"a = " + b"[" * DEEP + b"]" * DEEP,
        "the validation policy is no TOML",
    ),
}
STRICTER: Final = {
    "references of XML": "The XML document may have more than the 20000 elements that are read.",
    "references of a JWS": "The JSON has more than the 20000 members that are read.",
    "parentheses in a string of PDF": PDF_STEPS,
    "escapes in a name of PDF": PDF_STEPS,
    "objects of PDF": PDF_STEPS,
    "numbers in the heading of an object stream": PDF_STEPS,
}
"""What is said first under limits that are below those of the product."""


@pytest.mark.parametrize("kind", LARGE)
def test_ten_thousand_of_anything_are_refused_by_a_sentence(kind: str) -> None:
    parser, made, wanted = LARGE[kind]
    octets = made()
    for limits, beginning in ((DEFAULT, wanted), (LIMITS, STRICTER.get(kind, wanted))):
        said = outcome(parser, octets, limits)
        assert expected(said, beginning), said
        assert "XML_PARSE_HUGE" not in said, "an option of a library, which nobody can set"


WORDS: Final = (
    "[",
    "]",
    "{",
    "}",
    '"',
    "=",
    "\n",
    "fail",
    "24h",
    "99999999999h",
    "-1",
    "#",
    "\0",
    "[signature]\n",
)
POLICY: Final = (
    f'name = "n"\nidentifier = "urn:n"\nbased-on = "{SHIPPED[0]}"\n[signature]\nstructure = "fail"\n'
)


@settings(max_examples=100)
@given(
    st.lists(st.tuples(st.floats(0, 1), st.integers(0, 20), st.sampled_from(WORDS)), min_size=1, max_size=4)
)
def test_a_damaged_policy_is_read_or_refused(changes: list[tuple[float, int, str]]) -> None:
    text = POLICY
    for where, length, word in changes:
        at = int(where * len(text))
        text = text[:at] + word + text[at + length :]
    outcome("policy", text.encode())


@settings(max_examples=100)
@given(
    st.lists(
        st.sampled_from(
            [
                b"\x30\x80",
                b"\x24\x80",
                b"\x30\x03",
                b"\x02\x01",
                b"\x00\x00",
                b"\x06\x02",
                b"\x17\x0d",
                b"\xff\x7f",
                b"\x30\x84\x7f\xff\xff\xff",
            ]
        )
        | st.binary(max_size=6),
        max_size=40,
    )
)
def test_anything_is_ber_or_refused(parts: list[bytes]) -> None:
    outcome("ber", b"".join(parts))
