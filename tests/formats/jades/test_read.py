"""JAdES signatures of our own making, as evidence."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import TYPE_CHECKING, Any

import pytest
import rfc8785
from jades_vectors import PAYLOAD, Signer, b64, component, digest, standard
from signed_corpus import signer, verifies

from trustworks.core.errors import Malformed
from trustworks.core.pki.building import TrustAnchor, TrustAnchors
from trustworks.core.pki.certificate import Certificate
from trustworks.formats.data import DigestOnly, Octets
from trustworks.formats.evidence import ReferenceKind, ScopeKind, TimeStampKind, Weight
from trustworks.formats.limits import Limits
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence, Signature

URI_HASH = "http://uri.etsi.org/19182/ObjectIdByURIHash"
URI = "http://uri.etsi.org/19182/ObjectIdByURI"
HTTP = "http://uri.etsi.org/19182/HttpHeaders"


@pytest.fixture(scope="module")
def ours() -> Signer:
    return Signer()


def evidence(
    octets: bytes | dict[str, Any],
    detached: Sequence[Data] = (),
    anchors: TrustAnchors | None = None,
    **limits: int,
) -> Evidence:
    content = octets if isinstance(octets, bytes) else json.dumps(octets).encode()
    return read(Octets(content), detached=detached, limits=Limits(**limits), anchors=anchors)


def only(octets: bytes | dict[str, Any], detached: Sequence[Data] = ()) -> Signature:
    (signature,) = evidence(octets, detached).signatures
    return signature


def whole(found: Evidence, signature: Signature) -> bool:
    """Data found, intact and protected by a value that verifies."""
    return all(one.found and one.intact for one in signature.references) and verifies(
        signature, signer(found, signature)
    )


_CRITICAL: list[dict[str, Any]] = [
    {"crit": names} for names in ("iat", [], [["iat"]], ["iat", "iat"], ["sigPl"], ["alg"])
]


def codes(signature: Signature) -> set[str]:
    return {finding.code for finding in signature.findings}


# --- serializations ---------------------------------------------------------------------------------------


def test_compact_flattened_and_general_say_the_same(ours: Signer) -> None:
    flattened = ours.flattened()
    one = {name: flattened[name] for name in ("protected", "signature")}
    general = {"payload": flattened["payload"], "signatures": [one]}
    compact = f"{one['protected']}.{flattened['payload']}.{one['signature']}".encode()
    found = [evidence(form) for form in (flattened, general, compact)]
    assert len({each.signatures[0].id for each in found}) == 1
    for each in found:
        assert each.signatures[0].level == "JAdES-BASELINE-B"
        assert each.signatures[0].findings == ()
        assert whole(each, each.signatures[0])
        (scope,) = each.signatures[0].scopes
        assert scope.kind is ScopeKind.FULL
        assert scope.data is not None
        assert scope.data.octets() == PAYLOAD
    assert {each.media_type for each in found} == {"application/jose", "application/jose+json"}


def test_a_general_jws_holds_several_and_keeps_what_can_be_read(ours: Signer) -> None:
    first, second = ours.flattened(), ours.flattened(ours.header(cty="json"))
    both = {"payload": first["payload"], "signatures": [first, {"protected": 1}, second, first]}
    found = evidence(both)
    assert [whole(found, each) for each in found.signatures] == [True, True, True]
    assert len({each.id for each in found.signatures}) == 3  # the same twice, at two places
    assert [finding.code for finding in found.findings] == ["jades.unreadable-signature"]


@pytest.mark.req("RFC7515:4-UNIQUE")
@pytest.mark.parametrize("what", ["header", "jws", "unprotected", "component"])
def test_a_name_twice_is_fatal(ours: Signer, what: str) -> None:
    flattened = ours.flattened()
    if what == "header":
        text = json.dumps(ours.header()).replace("{", '{"iat": 1, ', 1)
        octets = ours.compact(text)
    elif what == "jws":
        octets = json.dumps(flattened).replace("{", '{"payload": "", ', 1).encode()
    elif what == "component":
        octets = json.dumps(flattened | {"header": {"etsiU": [b64(b'{"cSig": 1, "cSig": 2}')]}}).encode()
    else:
        octets = json.dumps(flattened | {"header": {"alg": "none"}}).encode()
    found = evidence(octets)
    findings = [*found.findings, *found.signatures[0].findings]
    assert Weight.FATAL in {finding.weight for finding in findings}


@pytest.mark.req("RFC7515:2-BASE64URL")
def test_padding_is_told_and_read(ours: Signer) -> None:
    flattened = ours.flattened()
    assert codes(only(flattened | {"signature": flattened["signature"] + "=="})) == {"jades.base64url"}


@pytest.mark.parametrize(
    "octets",
    [
        b"{}",
        b'{"payload": "", "signatures": []}',
        b'{"payload": "", "signatures": {}}',
        b'{"signature": "AA"}',
        b'{"signature": "AA", "protected": "e30", "payload": 1}',
        b'{"signature": "AA", "protected": "W10"}',
        b'{"signature": "AA", "protected": "e30", "header": []}',
        b'{"signature": "\\u00e9", "protected": "e30"}',
        b'{"signature": "AA", "protected": "\\ud800"}',
        b'{"signature": "AA", "protected": "e30", "payload": "\\ud800"}',
        b'{"signature": "AA", "protected": "e30", "x": NaN}',
        b'{"signature": "AA", "protected": "e30", "x": ' + b"9" * 5000 + b"}",
        b'{"a": "\xff"}',
        b"e30.e30",
        b"e30.\xff.AA",
        b"eyJh.eyJh.\xc3\xa9",
        b"{" * 100_000,
        b'{"a":' * 100_000,
        b'{"a": [' + b"1," * 2_000_001 + b"1]}",
    ],
)
def test_what_is_no_jws_is_refused_with_a_sentence(octets: bytes) -> None:
    with pytest.raises(Malformed, match=r"\.$"):
        evidence(octets)


def test_limits_hold(ours: Signer) -> None:
    flattened = ours.flattened()
    with pytest.raises(Malformed, match="octets"):
        evidence(flattened, parsed=100)
    with pytest.raises(Malformed, match="signatures"):
        evidence({"payload": "", "signatures": [flattened] * 3}, signatures=2)
    with pytest.raises(Malformed, match="nests"):
        evidence(flattened | {"x": [[[[1]]]]}, depth=4)
    # Commas and brackets in strings count for nothing.
    assert only(flattened | {"x": "[[[[[,,,,,,"}).level == "JAdES-BASELINE-B"
    with_two = flattened | {"header": {"etsiU": [component({"xVals": []})] * 2}}
    with pytest.raises(Malformed, match="2 components"):
        evidence(with_two, attributes=1)
    sign = ours.header(sigD={"mId": URI, "pars": ["a", "b"]})
    with pytest.raises(Malformed, match="sigD"):
        evidence(ours.compact(sign), references=1)


# --- headers ----------------------------------------------------------------------------------------------


def test_headers_become_attributes(ours: Signer) -> None:
    header = ours.header(
        iat=None,
        sigT="2026-01-02T00:00:00Z",
        cty="json",
        srCms=[{"commId": {"id": "urn:proof"}}],
        srAts={
            "claimed": [{"mediaType": "text/plain", "encoding": "none", "qVals": ["director"]}],
            "certified": [{"x509AttrCert": {"val": "AA=="}}],
        },
        sigPl={"addressLocality": "Kehlen"},
        sigPId={
            "id": {"id": "urn:oid:1.2.3", "desc": "ours"},
            "digAlg": "S256",
            "digVal": b64(b"d" * 32),
            "sigPQuals": [{"spURI": "http://policy.test"}, {"spUserNotice": {"explText": "notice"}}],
        },
    )
    attributes = only(ours.compact(header)).attributes
    assert str(attributes.signing_time) == "2026-01-02 00:00:00+00:00"
    assert attributes.content_type == "json"
    assert attributes.commitments == ("urn:proof",)
    assert attributes.claimed_roles == ("director",)
    assert attributes.certified_roles == 1
    assert attributes.location == {"addressLocality": "Kehlen"}
    policy = attributes.policy
    assert policy is not None
    assert (policy.identifier, policy.digest_algorithm, policy.uri) == (
        "1.2.3",
        "sha256",
        "http://policy.test",
    )
    assert (policy.user_notice, policy.description) == ("notice", "ours")
    assert attributes.names == frozenset(header)


@pytest.mark.parametrize(
    ("header", "code", "weight"),
    [
        pytest.param(
            {"crit": ["ours"], "ours": 1},
            "jades.critical-not-understood",
            Weight.FATAL,
            marks=pytest.mark.req("RFC7515:4.1.11-UNDERSTOOD"),
        ),
        *(
            pytest.param(
                critical, "jades.critical-form", Weight.NOTE, marks=pytest.mark.req("RFC7515:4.1.11-CRIT")
            )
            for critical in _CRITICAL
        ),
        pytest.param(
            {"b64": True},
            "jades.critical-missing",
            Weight.NOTE,
            marks=pytest.mark.req("TS119182-1:5.1.9-CRIT"),
        ),
        pytest.param(
            {"sigPl": "Kehlen"}, "jades.header-type", Weight.NOTE, marks=pytest.mark.req("RFC7515:4-TYPES")
        ),
        *(
            pytest.param(
                {"alg": name}, "jades.algorithm", Weight.FATAL, marks=pytest.mark.req("TS119182-1:5.1.2-ALG")
            )
            for name in (None, "none", "HS256", 5)
        ),
        pytest.param(
            {"x5t": "AAAA"}, "jades.x5t", Weight.NOTE, marks=pytest.mark.req("TS119182-1:5.1.7-X5T")
        ),
        pytest.param(
            {"etsiU": []},
            "jades.etsiu-protected",
            Weight.NOTE,
            marks=pytest.mark.req("TS119182-1:5.3.1-ETSIU-UNSIGNED"),
        ),
    ],
)
def test_headers_that_the_standards_forbid_are_found(
    ours: Signer, header: dict[str, Any], code: str, weight: Weight
) -> None:
    signature = only(ours.compact(ours.header(**header)))
    assert {finding.code: finding.weight for finding in signature.findings}[code] is weight


@pytest.mark.parametrize(
    "header",
    [
        pytest.param({"iat": None}, marks=pytest.mark.req("TS119182-1:6.3-SIGNING-TIME")),
        pytest.param({"sigT": "2025-01-01T00:00:00Z"}, marks=pytest.mark.req("TS119182-1:6.3-SIGNING-TIME")),
        pytest.param(
            {"sigT": "2025-05-15T00:00:00Z", "iat": None},
            marks=pytest.mark.req("TS119182-1:6.3-SIGNING-TIME"),
        ),
        pytest.param(
            {"sigT": "yesterday", "iat": None}, marks=pytest.mark.req("TS119182-1:6.3-SIGNING-TIME")
        ),
        pytest.param({"iat": 1e300}, marks=pytest.mark.req("TS119182-1:6.3-SIGNING-TIME")),
        pytest.param({"x5t#S256": None}, marks=pytest.mark.req("TS119182-1:6.3-SIGNING-CERTIFICATE")),
        pytest.param(
            {"x5t#o": {"digAlg": "S512", "digVal": "AA"}},
            marks=pytest.mark.req("TS119182-1:6.3-SIGNING-CERTIFICATE"),
        ),
        {"crit": "iat"},
        {"b64": True},
        {"crit": ["ours"], "ours": 1},
    ],
)
def test_a_jws_without_what_the_baseline_asks_is_no_jades(ours: Signer, header: dict[str, Any]) -> None:
    assert only(ours.compact(ours.header(**header))).level == "JSON-NOT-ETSI"


def test_sigt_counted_before_iat_took_its_place(ours: Signer) -> None:
    assert only(ours.compact(ours.header(sigT="2025-05-14T23:59:59Z", iat=None))).level == "JAdES-BASELINE-B"


def test_other_ways_to_bind_the_certificate(ours: Signer) -> None:
    other = {"digAlg": "S256", "digVal": digest(ours.certificate)}
    ways: list[dict[str, Any]] = [{"x5t#o": other}, {"sigX5ts": [other, {"digAlg": "S512", "digVal": "AA"}]}]
    for way in ways:
        found = evidence(ours.compact(ours.header(**{"x5t#S256": None}, **way)))
        (signature,) = found.signatures
        assert signature.level == "JAdES-BASELINE-B"
        assert signature.signing_certificate[0].digest is not None
        assert whole(found, signature)


def test_kid_may_be_issuer_and_serial(ours: Signer) -> None:
    name = bytes.fromhex("300c310a300806035504030c0163")
    kid = b"\x30\x15\x30\x10\xa4\x0e" + name + b"\x02\x01\x07"
    identifier = only(ours.compact(ours.header(kid=standard(kid)))).identifier
    assert identifier is not None
    assert (identifier.issuer, identifier.serial) == (name, 7)
    for other in ("my key", standard(b"\x30"), standard(b"\x30\x03\x02\x01\x07"), 5):
        assert only(ours.compact(ours.header(kid=other))).identifier is None


# --- data -------------------------------------------------------------------------------------------------


def test_a_detached_payload_is_taken_from_beside(ours: Signer) -> None:
    flattened = ours.flattened() | {"payload": ""}
    found = evidence(flattened, [Octets(PAYLOAD, name="title.json")])
    assert whole(found, found.signatures[0])
    assert found.signatures[0].scopes[0].name == "title.json"
    for detached in ([], [Octets(b"a"), Octets(b"b")], [DigestOnly((("sha256", b"d" * 32),))]):
        (reference,) = only(flattened, detached).references
        assert (reference.found, reference.intact) == (False, False)
    other = evidence(flattened, [Octets(PAYLOAD + b" ")])
    assert not whole(other, other.signatures[0])


def test_a_payload_is_intact_where_the_value_verifies_over_it(ours: Signer) -> None:
    flattened = ours.flattened()
    changed = only(flattened | {"payload": b64(b"changed")})
    assert [(one.found, one.intact) for one in changed.references] == [(True, False)]
    # Nobody can tell without the signer's certificate.
    unknown = ours.flattened(ours.header(x5c=None)) | {"payload": b64(b"changed")}
    assert [(one.found, one.intact) for one in only(unknown).references] == [(True, True)]


def test_a_large_payload_is_encoded_in_portions(ours: Signer) -> None:
    large = bytes(range(251)) * 20_000
    found = evidence(ours.flattened(payload=large) | {"payload": ""}, [Octets(large)])
    signed = found.signatures[0].signed
    assert b"".join(signed.portions()) == signed.octets()
    assert max(map(len, signed.portions())) <= 1 << 20
    assert signed.size == len(signed.octets())
    assert whole(found, found.signatures[0])


def test_an_unencoded_payload_is_signed_as_it_is(ours: Signer) -> None:
    header = ours.header(b64=False, crit=["b64"])
    for payload in ("in clear", "é"):
        protected, value = ours.parts(header, payload.encode())
        found = evidence({"payload": payload, "protected": protected, "signature": value})
        assert whole(found, found.signatures[0])
        assert found.signatures[0].level == "JAdES-BASELINE-B"
    protected, value = ours.parts(header, b"no point")
    compact = evidence(f"{protected}.no point.{value}".encode())
    assert whole(compact, compact.signatures[0])


def test_sigd_by_uri_and_hash_finds_each_object(ours: Signer) -> None:
    data = [Octets(b"one", name="one.txt"), Octets(b"two", name="a b.txt")]
    for b64_, values in (
        (None, [digest(b64(one.content).encode()) for one in data]),
        (False, [digest(one.content) for one in data]),
    ):
        sign = {
            "mId": URI_HASH,
            "pars": ["https://example.test/one.txt", "a%20b.txt"],
            "hashM": "S256",
            "hashV": values,
        }
        crit = ["sigD"] if b64_ is None else ["sigD", "b64"]
        protected, value = ours.parts(ours.header(sigD=sign, b64=b64_, crit=crit), b"")
        octets = f"{protected}..{value}".encode()
        found = evidence(octets, data)
        assert whole(found, found.signatures[0])
        assert [one.kind for one in found.signatures[0].references] == [
            ReferenceKind.SIGNED_PROPERTIES,
            *[ReferenceKind.CONTENT] * 2,
        ]
        assert {scope.name for scope in found.signatures[0].scopes} == {"one.txt", "a b.txt"}
        changed = only(octets, [data[0], Octets(b"too", name="a b.txt")])
        assert [(one.found, one.intact) for one in changed.references[1:]] == [(True, True), (True, False)]
        absent = only(octets, data[:1])
        assert [(one.found, one.intact) for one in absent.references[1:]] == [(True, True), (False, False)]


def test_sigd_takes_a_digest_in_place_of_data(ours: Signer) -> None:

    sign = {"mId": URI_HASH, "pars": ["x"], "hashM": "S256", "hashV": [digest(b"one")]}
    protected, value = ours.parts(ours.header(sigD=sign, b64=False, crit=["sigD", "b64"]), b"")
    given = DigestOnly((("sha256", hashlib.sha256(b"one").digest()),), name="x")
    signature = only(f"{protected}..{value}".encode(), [given])
    assert signature.references[1].intact
    assert signature.scopes[0].kind is ScopeKind.DIGEST
    other = DigestOnly((("sha512", hashlib.sha512(b"another").digest()),), name="x")
    signature = only(f"{protected}..{value}".encode(), [other, given])
    assert (signature.references[1].intact, signature.scopes[0].data) == (True, given)


@pytest.mark.req("TS119182-1:5.2.8-SIGD")
@pytest.mark.parametrize(
    "sign",
    [
        {"mId": URI_HASH, "pars": ["x"], "hashM": "S256", "hashV": []},
        {"mId": URI_HASH, "pars": ["x"], "hashM": "S256"},
        {"mId": URI_HASH, "hashM": "S256", "hashV": ["AA"]},
        {"mId": URI_HASH, "pars": [1], "hashM": "S256", "hashV": ["AA"]},
        {"mId": "urn:other", "pars": ["x"]},
        {},
        [],
        None,
    ],
)
def test_a_broken_sigd_is_fatal(ours: Signer, sign: Any) -> None:
    text = json.dumps({**ours.header(), "sigD": sign})
    protected, value = ours.parts(text, b"")
    signature = only(f"{protected}..{value}".encode(), [Octets(b"one", name="x")])
    assert Weight.FATAL in {finding.weight for finding in signature.findings}
    assert not all(reference.intact for reference in signature.references)


def test_sigd_with_an_unknown_hash_function_is_found_and_not_intact(ours: Signer) -> None:
    sign = {"mId": URI_HASH, "pars": ["x"], "hashM": "urn:whirlpool", "hashV": ["AA"]}
    protected, value = ours.parts(ours.header(sigD=sign, crit=["sigD"]), b"")
    _, reference = only(f"{protected}..{value}".encode(), [Octets(b"one", name="x")]).references
    assert (reference.found, reference.intact, reference.actual) == (True, False, None)
    assert "cannot be computed" in str(reference.why)


@pytest.mark.req("TS119182-1:5.2.8-PAYLOAD")
def test_a_payload_beside_sigd_is_suspicious(ours: Signer) -> None:
    sign = {"mId": URI_HASH, "pars": ["x"], "hashM": "S256", "hashV": [digest(b64(b"one").encode())]}
    found = only(ours.compact(ours.header(sigD=sign, crit=["sigD"])), [Octets(b"one", name="x")])
    assert "jades.payload-beside-sigd" in codes(found)


def test_sigd_by_uri_puts_objects_together(ours: Signer) -> None:
    sign = {"mId": URI, "pars": ["b", "a"]}
    data = [Octets(b"first", name="a"), Octets(b"second", name="b")]
    protected, value = ours.parts(
        ours.header(sigD=sign, crit=["sigD"]), (b64(b"second") + b64(b"first")).encode()
    )
    octets = f"{protected}..{value}".encode()
    found = evidence(octets, data)
    assert whole(found, found.signatures[0])
    assert [scope.name for scope in found.signatures[0].scopes] == ["b", "a"]
    assert not only(octets, data[:1]).references[0].found


@pytest.mark.parametrize("b64_", [True, False])
def test_that_octets_may_be_moved_between_objects_put_together_is_told(ours: Signer, b64_: bool) -> None:
    # The same octets are signed, wherever the first object ends (where they are encoded: in threes).
    extra: dict[str, Any] = {} if b64_ else {"b64": False}
    header = ours.header(sigD={"mId": URI, "pars": ["a", "b"]}, crit=["sigD", *extra], **extra)
    plain = b"one, two, three."
    protected, value = ours.parts(header, b64(plain).encode() if b64_ else plain)
    octets = f"{protected}..{value}".encode()
    for place in (3, 9):
        data = [Octets(plain[:place], name="a"), Octets(plain[place:], name="b")]
        found = evidence(octets, data)
        assert whole(found, found.signatures[0])
        codes = {one.code: one.weight for one in found.signatures[0].findings}
        assert codes["jades.boundaries"] is Weight.SUSPICIOUS
    alone = ours.header(sigD={"mId": URI, "pars": ["a"]}, crit=["sigD"])
    protected, value = ours.parts(alone, b64(plain).encode())
    signature = only(f"{protected}..{value}".encode(), [Octets(plain, name="a")])
    assert "jades.boundaries" not in [one.code for one in signature.findings]


def test_sigd_signs_an_http_message(ours: Signer) -> None:
    body = b"what was sent"

    said = base64.b64encode(hashlib.sha256(body).digest()).decode()
    pars = ["(request-target)", "host", "x", "digest"]
    lines = f"(request-target): post /a?B\nhost: example.test\nx: 1, 2\ndigest: SHA-256={said}"
    header = ours.header(sigD={"mId": HTTP, "pars": pars}, b64=False, crit=["sigD", "b64"])
    protected, value = ours.parts(header, lines.encode())
    octets = f"{protected}..{value}".encode()
    head = f"POST /a?B HTTP/1.1\r\nHost: example.test\r\nX: 1\r\nX:  2 \r\nDigest: SHA-256={said}\r\n\r\n"
    message = [Octets(head.encode() + body)]
    fields = [
        Octets(b"post /a?B", name="(request-target)"),
        Octets(b"example.test", name="Host"),
        *(Octets(b"1", name="x"), Octets(b"2", name="x")),
        Octets(f"SHA-256={said}".encode(), name="Digest"),
        Octets(body, name="body"),
    ]
    for given in (message, fields):
        found = evidence(octets, given)
        assert whole(found, found.signatures[0])
        assert len(found.signatures[0].references) == 2
        assert found.findings == ()
    besides = evidence(octets, [*fields, Octets(b"1", name="y")])
    assert [one.code for one in besides.findings] == ["given.uncovered"]
    changed = only(octets, [*fields[:-1], Octets(b"another", name="body")])
    assert [one.intact for one in changed.references] == [True, False]
    assert not only(octets, fields[1:]).references[0].found


# --- unsigned header --------------------------------------------------------------------------------------


def lta(ours: Signer, *, clear: bool, canonicalization: str | None = None) -> dict[str, Any]:
    """A signature with everything up to an archive time-stamp; what that covers is put together here."""
    flattened = ours.flattened(ours.header(adoTst=ours.token(b64(PAYLOAD).encode())))
    value = flattened["signature"].encode()
    ocsp = {"ocspVals": [{"val": standard(b"0\x03\x0a\x01\x00")}], "crlVals": [{"val": standard(b"0\0")}]}
    etsi_u = [
        component({"sigTst": ours.token(value)}, clear=clear),
        component({"xVals": [{"x509Cert": {"val": standard(ours.authority.ca)}}]}, clear=clear),
        component({"rVals": ocsp}, clear=clear),
    ]
    shares = b"".join(_share(item, canonicalization) for item in etsi_u)
    over = b".".join([b64(PAYLOAD).encode(), flattened["protected"].encode(), value, shares])
    archive = ours.token(over) | ({"canonAlg": canonicalization} if canonicalization else {})
    etsi_u.append(component({"arcTst": archive}, clear=clear))
    return flattened | {"header": {"etsiU": etsi_u}}


def _share(item: Any, canonicalization: str | None) -> bytes:
    if isinstance(item, str):
        return item.encode()
    if canonicalization:
        return rfc8785.dumps(item)
    (value,) = item.values()
    return json.dumps(value, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("clear", "canonicalization"),
    [(False, None), (True, None), (True, "http://json-canonicalization.org/algorithm")],
)
def test_an_archive_time_stamp_covers_all_before_it(
    ours: Signer, clear: bool, canonicalization: str | None
) -> None:
    # The signer's certificate is by itself; whoever makes the time-stamps is of an authority that is trusted.
    anchors = TrustAnchors([TrustAnchor.of(Certificate.read(ours.authority.certificate))])
    made = lta(ours, clear=clear, canonicalization=canonicalization)
    assert only(made).level == "JAdES-BASELINE-T"
    found = evidence(made, anchors=anchors)
    (signature,) = found.signatures
    assert signature.level == "JAdES-BASELINE-LTA"
    assert [stamp.kind for stamp in found.time_stamps] == [
        TimeStampKind.CONTENT,
        TimeStampKind.SIGNATURE,
        TimeStampKind.ARCHIVE,
    ]
    assert all(stamp.references[0].intact for stamp in found.time_stamps)
    content, stamped, archived = (stamp.covers for stamp in found.time_stamps)
    assert content == frozenset(found.data)
    assert content | {signature.id, *signature.key_info, found.time_stamps[0].id} <= stamped
    before = {*found.certificates, *found.revocation, *(stamp.id for stamp in found.time_stamps[:2])}
    assert stamped | before <= archived
    assert found.time_stamps[2].id not in archived
    assert len(signature.revocation) == 2


@pytest.mark.parametrize(("issuer", "level"), [("CA", "JAdES-BASELINE-LT"), ("other", "JAdES-BASELINE-T")])
def test_long_term_asks_for_status_of_the_signing_certificate(issuer: str, level: str) -> None:
    certified = Signer(issuer="CA")
    flattened = certified.flattened()
    etsi_u = [
        {"sigTst": certified.token(flattened["signature"].encode())},
        {"rVals": {"crlVals": [{"val": standard(certified.revocation_list(issuer))}]}},
    ]
    assert only(flattened | {"header": {"etsiU": etsi_u}}).level == level


def test_an_archive_time_stamp_over_other_components_is_not_intact(ours: Signer) -> None:
    signed = lta(ours, clear=False)
    del signed["header"]["etsiU"][1]
    found = evidence(signed)
    assert [stamp.references[0].intact for stamp in found.time_stamps] == [True, True, False]
    unknown = evidence(lta(ours, clear=True, canonicalization="urn:unknown"))
    (reference,) = unknown.time_stamps[-1].references
    assert (reference.found, reference.intact) == (False, False)


@pytest.mark.req("TS119182-1:5.3.1-ETSIU")
def test_components_of_two_kinds_are_not_put_together(ours: Signer) -> None:
    signed = lta(ours, clear=False)
    signed["header"]["etsiU"].insert(0, {"xVals": []})
    found = evidence(signed)
    assert "jades.etsiu-form" in codes(found.signatures[0])
    assert [stamp.references[0].found for stamp in found.time_stamps] == [True, True, False]


def test_references_are_stamped_alone_or_with_the_signature(ours: Signer) -> None:
    flattened = ours.flattened()
    value = flattened["signature"].encode()
    stamped = component({"sigTst": ours.token(value)})
    ca = {"digAlg": "S256", "digVal": digest(ours.authority.ca)}
    answer = {"digAlg": "S256", "digVal": digest(b"0\x03\x0a\x01\x00"), "ocspId": {}}
    refs = [component({"xRefs": [ca]}), component({"rRefs": {"ocspRefs": [answer]}})]
    values = [
        component({"xVals": [{"x509Cert": {"val": standard(ours.authority.ca)}}]}),
        component({"rVals": {"ocspVals": [{"val": standard(b"0\x03\x0a\x01\x00")}]}}),
    ]
    both = component({"sigRTst": ours.token(b".".join([value, (stamped + "".join(refs)).encode()]))})
    alone = component({"rfsTst": ours.token("".join(refs).encode())})
    found = evidence(flattened | {"header": {"etsiU": [stamped, *refs, both, alone, *values]}})
    (signature,) = found.signatures
    assert signature.level == "JAdES-BASELINE-T"  # references are not of the baseline's LT
    assert [stamp.kind for stamp in found.time_stamps[1:]] == [
        TimeStampKind.SIGNATURE_AND_REFERENCES,
        TimeStampKind.REFERENCES,
    ]
    assert all(stamp.references[0].intact for stamp in found.time_stamps)
    assert len(signature.certificate_references) == len(signature.revocation_references) == 1
    referenced = {named for named in found.certificates if named.endswith(hex_digest(ours.authority.ca))}
    assert referenced < found.time_stamps[2].covers
    assert signature.id in found.time_stamps[1].covers
    assert signature.id not in found.time_stamps[2].covers


def test_a_time_stamp_over_references_does_not_cover_other_time_stamps_than_those_over_the_value(
    ours: Signer,
) -> None:
    flattened = ours.flattened()
    value = flattened["signature"].encode()
    stamped = component({"sigTst": ours.token(value)})
    refs = component({"xRefs": [{"digAlg": "S256", "digVal": digest(ours.authority.ca)}]})
    alone = component({"rfsTst": ours.token(refs.encode())})
    both = component({"sigRTst": ours.token(b".".join([value, (stamped + refs).encode()]))})
    found = evidence(flattened | {"header": {"etsiU": [stamped, refs, alone, both]}})
    first, second, third = found.time_stamps
    assert third.references[0].intact
    assert first.id in third.covers
    assert second.id not in third.covers


def hex_digest(octets: bytes) -> str:

    return hashlib.sha256(octets).hexdigest()


@pytest.mark.req("TS119182-1:5.3.2-CTY")
@pytest.mark.parametrize("attached", [True, False])
def test_a_counter_signature_signs_the_value_around_it(ours: Signer, attached: bool) -> None:
    flattened = ours.flattened()
    value = base64.urlsafe_b64decode(flattened["signature"] + "==")
    counter = ours.flattened(payload=value)
    if not attached:
        del counter["payload"]
    for form in (counter, f"{counter['protected']}.{counter.get('payload', '')}.{counter['signature']}"):
        found = evidence(flattened | {"header": {"etsiU": [component({"cSig": form})]}})
        outer, inner = found.signatures
        assert inner.parent == outer.id
        assert outer.counter_signatures == (inner.id,)
        assert inner.references[0].kind is ReferenceKind.COUNTER_SIGNED
        assert inner.references[0].covers == {outer.id}
        assert inner.level == "JAdES-BASELINE-B"
        assert whole(found, inner)
    elsewhere = ours.flattened(payload=b"another value")
    del elsewhere["payload"]
    moved = evidence(flattened | {"header": {"etsiU": [component({"cSig": elsewhere})]}}).signatures[1]
    assert [(one.found, one.intact) for one in moved.references] == [(True, False)]
    wrong = ours.flattened(ours.header(cty="json"), payload=b"another value")
    other = evidence(flattened | {"header": {"etsiU": [component({"cSig": wrong})]}}).signatures[1]
    assert [(one.found, one.intact) for one in other.references] == [(True, False)]
    assert other.level == "JSON-NOT-ETSI"
    assert "jades.counter-type" in codes(other)


@pytest.mark.req("TS119182-1:6.3-SIGPST")
def test_a_stored_policy_is_at_hand(ours: Signer) -> None:
    stored = component({"sigPSt": {"sigPolDoc": standard(b"the policy")}})
    policy = {"id": {"id": "urn:oid:1.2.3"}, "digAlg": "S256", "digVal": digest(b"the policy")}
    signed = only(ours.flattened(ours.header(sigPId=policy)) | {"header": {"etsiU": [stored]}})
    assert signed.attributes.policy is not None
    assert signed.attributes.policy.octets == b"the policy"
    assert signed.level == "JAdES-BASELINE-B"
    without = only(ours.flattened() | {"header": {"etsiU": [stored]}})
    twice = only(ours.flattened(ours.header(sigPId=policy)) | {"header": {"etsiU": [stored, stored]}})
    for each in (without, twice):
        assert "jades.policy-store" in codes(each)
        assert each.level == "JSON-NOT-ETSI"


@pytest.mark.req("TS119182-1:5.3.1-UNPROTECTED")
def test_other_unprotected_headers_are_told(ours: Signer) -> None:
    assert codes(only(ours.flattened() | {"header": {"kid": "x"}})) == {"jades.unprotected"}


@pytest.mark.parametrize(
    ("etsi_u", "code"),
    [
        ("eyJ4VmFscyI6W119", "jades.etsiu-form"),
        ([], "jades.etsiu-form"),
        ([{"xVals": [], "rVals": {}}], "jades.etsiu-form"),
        ([5], "jades.unreadable-component"),
        (["!"], "jades.unreadable-component"),
        ([{"ours": 1}], "jades.unknown-component"),
        ([{"sigTst": {"tstTokens": [{"val": "AAAA"}]}}], "jades.unreadable-time-stamp"),
        ([{"xVals": [{"x509Cert": {"val": "AAAA", "encoding": "urn:xer"}}]}], "jades.unreadable-value"),
        ([{"xVals": [{"x509Cert": {"val": "!"}}]}], "jades.unreadable-value"),
        ([{"cSig": 5}], "jades.unreadable-counter-signature"),
        ([{"cSig": "a.b"}], "jades.unreadable-counter-signature"),
        ([{"cSig": "\ud800"}], "jades.unreadable-counter-signature"),
    ],
)
def test_what_is_wrong_in_etsiu_is_told_and_leaves_the_signature(
    ours: Signer, etsi_u: Any, code: str
) -> None:
    found = evidence(ours.flattened() | {"header": {"etsiU": etsi_u}})
    assert code in codes(found.signatures[0])
    assert whole(found, found.signatures[0])
