"""What a token says, and that one that says anything else does not leave."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat import asn1
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ObjectIdentifier

from trustworks.core.der import cms, tsp
from trustworks.core.der.encode import SEQUENCE, SET, context, oid, tlv
from trustworks.core.errors import Malformed
from trustworks.timestamping import readback, wire
from trustworks.timestamping.model import Content, Expected, OwnToken, PkiStatus, TstFields
from trustworks.timestamping.rules import tokens
from trustworks.timestamping.template import Template
from trustworks.timestamping.verify import identity

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from timestamping_testbed import SteeredClock

    from trustworks.core.audit import Recorder
    from trustworks.timestamping.model import TokenView
    from trustworks.timestamping.service import TimestampingAuthority
    from trustworks.timestamping.unit import Unit

POLICY = "2.999.3161.7"


def token_of(response: bytes) -> TokenView:
    answer = wire.decode_response(response)
    assert answer.status == PkiStatus.GRANTED
    assert not answer.failures
    assert answer.token is not None
    return wire.read_token(answer.token)


@pytest.mark.req(
    "RFC3161:2.4.2-ONE-SIGNER",
    "EN319422:5.2.2-ACCURACY",
    "EN319422:5.2.2-ORDERING",
    "EN319422:5.2.2-POLICY",
    "RFC3161:2.1-NO-REQUESTER",
    "EN319422:5.2.2-NO-CRITICAL-EXTENSION",
)
def test_a_token_says_what_the_standards_ask_for(
    authority: TimestampingAuthority, query: Callable[..., bytes], clock: SteeredClock
) -> None:
    authority.look()
    clock.moments = [datetime(2026, 5, 4, 3, 2, 1, 123456, tzinfo=UTC)]
    token = token_of(authority.stamp(query(nonce=77)))
    found = token.tst_info
    assert found.version == 1
    assert found.policy.dotted_string == POLICY
    assert found.gen_time.as_datetime() == datetime(2026, 5, 4, 3, 2, 1, 123000, tzinfo=UTC)
    assert found.accuracy is not None
    assert (found.accuracy.seconds, found.accuracy.millis, found.accuracy.micros) == (1, None, None)
    assert not found.ordering
    assert found.nonce == 77
    assert found.tsa is None
    assert found.extensions is None
    assert token.signers == 1
    assert token.info.content.version == 3
    assert token.signer.version == 1
    assert token.signer.unsigned_attributes is None
    assert {kind for kind, _ in token.attributes} == {
        cms.CONTENT_TYPE,
        cms.MESSAGE_DIGEST,
        cms.SIGNING_CERTIFICATE_V2,
    }


@pytest.mark.req("EN319422:5.2.2-POLICY", "EN319422:5.1.2-REQUEST-FIELDS")
def test_the_policy_that_is_asked_for_is_given(
    authority: TimestampingAuthority, query: Callable[..., bytes]
) -> None:
    token = token_of(authority.stamp(query(policy="2.999.3161.8")))
    assert token.tst_info.policy.dotted_string == "2.999.3161.8"


@pytest.mark.req("RFC3161:2.4.1-CERT-REQ", "EN319422:5.1.2-REQUEST-FIELDS")
def test_certificates_come_when_they_are_asked_for_and_only_then(
    authority: TimestampingAuthority, query: Callable[..., bytes], certificate: Path
) -> None:
    own = x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(Encoding.DER)
    sent = token_of(authority.stamp(query(cert_req=True))).info.content.certificates
    assert sent is not None
    assert own in [asn1.encode_der(one) for one in sent]
    assert len(sent) == 2
    assert token_of(authority.stamp(query(cert_req=False))).info.content.certificates is None


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
def test_the_signed_reference_is_by_sha_256(
    authority: TimestampingAuthority, query: Callable[..., bytes], certificate: Path
) -> None:
    own = x509.load_pem_x509_certificate(certificate.read_bytes())
    value = token_of(authority.stamp(query())).attribute(cms.SIGNING_CERTIFICATE_V2)
    assert value is not None
    reference = asn1.decode_der(cms.SigningCertificateV2, value).certs[0]
    assert reference.hash_algorithm is None
    assert reference.cert_hash == hashlib.sha256(own.public_bytes(Encoding.DER)).digest()
    assert reference.issuer_serial is not None
    assert reference.issuer_serial.serial_number == own.serial_number


@pytest.mark.req("RFC3161:2.4.2-SERIAL")
def test_serial_numbers_are_random_and_of_proper_size(
    authority: TimestampingAuthority, query: Callable[..., bytes]
) -> None:
    serials = [token_of(authority.stamp(query())).tst_info.serial_number for _ in range(64)]
    assert len(set(serials)) == 64
    assert all(126 <= serial.bit_length() <= 160 and serial > 0 for serial in serials)
    ones = sum(serial.bit_count() for serial in serials)
    assert 0.45 < ones / (64 * 127) < 0.55


@pytest.mark.req("RFC3161:2.4.2-GENTIME")
@pytest.mark.parametrize(
    ("digits", "microsecond", "written"),
    [
        (3, 0, b"20260504030201Z"),
        (3, 999, b"20260504030201Z"),
        (3, 100000, b"20260504030201.1Z"),
        (3, 120999, b"20260504030201.12Z"),
        (3, 7000, b"20260504030201.007Z"),
        (6, 1, b"20260504030201.000001Z"),
        (6, 999990, b"20260504030201.99999Z"),
    ],
)
def test_gen_time_is_written_without_trailing_zeros(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    clock: SteeredClock,
    digits: int,
    microsecond: int,
    written: bytes,
) -> None:
    authority = authority_of(gen_time_digits=digits)
    authority.look()
    clock.moments = [datetime(2026, 5, 4, 3, 2, 1, microsecond, tzinfo=UTC)]
    token = token_of(authority.stamp(query()))
    assert tlv(0x18, written) in token.tst_info_der


@pytest.mark.req("EN319422:5.2.2-ACCURACY")
@pytest.mark.parametrize(
    ("accuracy_us", "parts"),
    [(1_000_000, (1, None, None)), (500_000, (None, 500, None)), (250_250, (None, 250, 250))],
)
def test_the_declared_accuracy_is_stated(
    authority_of: Callable[..., TimestampingAuthority],
    query: Callable[..., bytes],
    accuracy_us: int,
    parts: tuple[int | None, ...],
) -> None:
    found = token_of(authority_of(accuracy_us=accuracy_us).stamp(query())).tst_info.accuracy
    assert found is not None
    assert (found.seconds, found.millis, found.micros) == parts


@pytest.mark.req("EN319422:9.1-QUALIFIED", "EN319421:TIS-8.2-01", "EN319422:5.2.2-NO-CRITICAL-EXTENSION")
def test_a_qualified_unit_says_so_in_every_token(
    authority_of: Callable[..., TimestampingAuthority], query: Callable[..., bytes]
) -> None:
    authority = authority_of(unit={"qualified": True})
    for body in (query(), query(policy="2.999.3161.8", cert_req=False)):
        extensions = token_of(authority.stamp(body)).tst_info.extensions
        assert extensions is not None
        (extension,) = extensions
        assert extension.oid.dotted_string == "1.3.6.1.5.5.7.1.3"
        assert not extension.critical
        # QCStatements of one QCStatement with esi4-qtstStatement-1 alone.
        assert extension.value == bytes.fromhex("300b300906070400 81975e0101")


# The rules, each against a token that breaks it


@pytest.fixture
def unit(authority: TimestampingAuthority) -> Unit:
    return authority._units["tsu-1"]


@pytest.fixture
def expected(unit: Unit, query: Callable[..., bytes]) -> Expected:
    return Expected(
        wire.decode_request(query(nonce=5)),
        oid(POLICY),
        1 << 126,
        datetime(2026, 5, 4, 3, 2, 1, 250000, tzinfo=UTC),
        unit.template.accuracy,
        False,
        unit.shape,
        unit.template.digest,
        b"signature",
    )


def content_of(expected: Expected) -> Content:
    request = expected.request
    return Content(
        POLICY,
        request.hash_algorithm,
        request.digest,
        expected.serial,
        expected.gen_time,
        1_000_000,
        request.nonce,
        False,
    )


def info_of(content: Content) -> tsp.TstInfo:
    return wire.decode_tst_info(wire.encode_tst_info(content))


def fields_of(content: Content) -> TstFields:
    return readback.read_tst_fields(wire.encode_tst_info(content))


def own_of(unit: Unit, tst_info: bytes, *, certificates: bool = True) -> OwnToken:
    parts = unit.template
    return readback.read_own(
        parts.token(tst_info, parts.attributes(tst_info), b"signature", certificates=certificates)
    )


def test_what_was_meant_passes(unit: Unit, expected: Expected) -> None:
    tst_info = wire.encode_tst_info(content_of(expected))
    assert tokens.objection(own_of(unit, tst_info), expected) is None


CHANGES: list[tuple[str, dict[str, Any]]] = [
    ("EN319422:5.2.2-POLICY", {"policy": ObjectIdentifier("2.999.3161.8")}),
    ("EN319422:4.2.2-NONCE", {"nonce": 6}),
    ("EN319422:4.2.2-NONCE", {"nonce": None}),
    ("RFC3161:2.4.2-SERIAL", {"serial_number": (1 << 126) + 1}),
    (
        "EN319422:5.2.2-GENTIME",
        {"gen_time": asn1.GeneralizedTime(datetime(2026, 5, 4, 3, 2, 2, tzinfo=UTC))},
    ),
    ("EN319422:5.2.2-ACCURACY", {"accuracy": None}),
    ("EN319422:5.2.2-ACCURACY", {"accuracy": tsp.Accuracy(seconds=2, millis=None, micros=None)}),
    ("EN319422:5.2.2-ORDERING", {"ordering": True}),
    (
        "EN319422:5.2.2-NO-CRITICAL-EXTENSION",
        {
            "extensions": [
                tsp.Extension(
                    oid=ObjectIdentifier(tsp.QC_STATEMENTS),
                    critical=True,
                    value=tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1),
                )
            ]
        },
    ),
    ("EN319422:9.1-QUALIFIED", {"extensions": [wire.qualified_extension()]}),
    ("RFC3161:2.1-NO-REQUESTER", {"tsa": [cms.any_element(context(6, b"urn:who", constructed=False))]}),
    (
        "RFC3161:2.1-NO-REQUESTER",
        {"extensions": [tsp.Extension(oid=ObjectIdentifier("2.999.1"), critical=None, value=b"who")]},
    ),
]


@pytest.mark.req(
    "EN319422:5.2.2-POLICY",
    "EN319422:4.2.2-NONCE",
    "EN319422:5.1.2-REQUEST-FIELDS",
    "RFC3161:2.4.2-SERIAL",
    "EN319422:5.2.2-GENTIME",
    "EN319422:5.2.2-ACCURACY",
    "EN319422:5.2.2-ORDERING",
    "EN319422:5.2.2-NO-CRITICAL-EXTENSION",
    "EN319422:9.1-QUALIFIED",
    "EN319421:TIS-8.2-01",
    "RFC3161:2.1-NO-REQUESTER",
)
@pytest.mark.parametrize(("requirement", "changes"), CHANGES, ids=[name for name, _ in CHANGES])
def test_a_token_that_says_something_else_is_stopped(
    unit: Unit, expected: Expected, requirement: str, changes: dict[str, Any]
) -> None:
    info = info_of(content_of(expected))
    for name, value in changes.items():
        setattr(info, name, value)
    tst_info = asn1.encode_der(info)
    broken = tokens.objection(own_of(unit, tst_info), expected)
    assert broken is not None
    assert broken[0] == requirement


@pytest.mark.req("RFC3161:2.4.2-SERIAL")
@pytest.mark.parametrize("serial", [-5, 0, 1, 1 << 120, 1 << 160])
def test_a_serial_number_of_bad_size_is_stopped(expected: Expected, serial: int) -> None:
    found = fields_of(content_of(expected)._replace(serial=serial))
    assert not tokens.serial_is_proper(found, expected._replace(serial=serial))


@pytest.mark.req("RFC3161:2.4.2-IMPRINT")
@pytest.mark.parametrize(
    "change",
    [{"digest": bytes(32)}, {"hash_algorithm": tlv(SEQUENCE, oid("2.999.4"))}],
    ids=["digest", "hash"],
)
def test_a_token_over_another_imprint_is_stopped(expected: Expected, change: dict[str, Any]) -> None:
    found = fields_of(content_of(expected)._replace(**change))
    assert not tokens.imprint_is_echoed(found, expected)


@pytest.mark.req("EN319422:9.1-QUALIFIED", "EN319421:TIS-8.2-01")
@pytest.mark.parametrize(
    "extensions",
    [
        None,
        [wire.qualified_extension(), wire.qualified_extension()],
        [
            tsp.Extension(
                oid=ObjectIdentifier(tsp.QC_STATEMENTS),
                critical=False,
                value=tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1, tsp.ESI4_QTST_STATEMENT_1),
            )
        ],
        # The statement's identifier as an extension of its own, which some authorities write.
        [tsp.Extension(oid=ObjectIdentifier(tsp.ESI4_QTST_STATEMENT_1), critical=None, value=b"\x05\x00")],
    ],
    ids=["none", "twice", "two-statements", "misplaced"],
)
def test_a_qualified_token_has_one_statement_in_one_extension(
    expected: Expected, extensions: list[tsp.Extension] | None
) -> None:
    info = info_of(content_of(expected))
    info.extensions = extensions
    fields = readback.read_tst_fields(asn1.encode_der(info))
    assert not tokens.says_whether_qualified(fields, expected._replace(qualified=True))


@pytest.mark.req("RFC3161:2.4.1-CERT-REQ")
@pytest.mark.parametrize("asked", [True, False])
def test_certificates_other_than_asked_for_are_stopped(
    unit: Unit, expected: Expected, *, asked: bool
) -> None:
    tst_info = wire.encode_tst_info(content_of(expected))
    asking = expected._replace(request=expected.request._replace(cert_req=asked))
    assert not tokens.certificates_are_as_asked(own_of(unit, tst_info, certificates=not asked), asking)
    if asked:
        stranger = own_of(unit, tst_info)._replace(certificates=b"other certificates")
        assert not tokens.certificates_are_as_asked(stranger, asking)


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER", "EN319422:5.2.2-SIGNING-CERTIFICATE")
@pytest.mark.parametrize("part", ["content", "attributes", "fixed", "signature"])
def test_a_token_of_another_shape_is_stopped(unit: Unit, expected: Expected, part: str) -> None:
    tst_info = wire.encode_tst_info(content_of(expected))
    own = own_of(unit, tst_info)
    assert tokens.has_the_shape(own, expected)
    other: dict[str, Any] = {
        "content": own.content + b"\0",
        "attributes": own.attributes[:-1] + bytes((own.attributes[-1] ^ 1,)),
        "fixed": (*own.fixed[:-1], b"another algorithm"),
        "signature": b"another signature",
    }
    changed = own._replace(**{part: other[part]})
    assert not tokens.has_the_shape(changed, expected)
    broken = tokens.objection(changed, expected)
    assert broken is not None


def rebuilt(token: TokenView, **changes: Any) -> TokenView:
    """The token with other attributes (type to value), signers, version or content type."""
    attributes = {kind: values[0] for kind, values in token.attributes} | changes.get("attributes", {})
    encoded = sorted(
        tlv(SEQUENCE, oid(kind), tlv(SET, value)) for kind, value in attributes.items() if value is not None
    )
    signer = token.signer
    signer.signed_attributes = cms.any_element(tlv(0xA0, *encoded))
    data = token.info.content
    data.version = changes.get("version", data.version)
    data.encapsulated.content_type = ObjectIdentifier(changes.get("content_type", tsp.TST_INFO))
    signers = [signer]
    if changes.get("signers") == 2:
        second = asn1.decode_der(cms.SignerInfo, asn1.encode_der(signer))
        second.signature += b"2"
        signers.append(second)
    data.signer_infos = asn1.SetOf(signers if changes.get("signers", 1) else [])
    return wire.read_token(asn1.encode_der(token.info))


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER")
@pytest.mark.parametrize(
    "changes",
    [
        {"signers": 2},
        {"version": 1},
        {"content_type": "1.2.840.113549.1.7.1"},
        {"attributes": {cms.MESSAGE_DIGEST: tlv(4, bytes(32))}},
        {"attributes": {cms.MESSAGE_DIGEST: None}},
        {"attributes": {cms.CONTENT_TYPE: oid("1.2.840.113549.1.7.1")}},
        {"attributes": {cms.CONTENT_TYPE: None}},
    ],
    ids=["two-signers", "version", "content", "digest", "no-digest", "type", "no-type"],
)
def test_signed_data_of_another_kind_is_no_token(
    authority: TimestampingAuthority, query: Callable[..., bytes], unit: Unit, changes: dict[str, Any]
) -> None:
    token = token_of(authority.stamp(query()))
    assert tokens.structure_objection(token, unit.identity) is None
    broken = tokens.structure_objection(rebuilt(token, **changes), unit.identity)
    assert broken is not None
    assert broken[0] == "RFC3161:2.4.2-ONE-SIGNER"


def test_a_token_without_a_signer_is_malformed(
    authority: TimestampingAuthority, query: Callable[..., bytes]
) -> None:
    with pytest.raises(Malformed, match="no signer"):
        rebuilt(token_of(authority.stamp(query())), signers=0)


def reference(certificate: bytes, *, issuer_serial: bytes = b"", digest: str = "sha256") -> bytes:
    algorithm = b"" if digest == "sha256" else tlv(SEQUENCE, oid("2.16.840.1.101.3.4.2.3"))
    hashed = tlv(4, hashlib.new(digest, certificate).digest())
    return tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, algorithm, hashed, issuer_serial)))


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
def test_the_reference_must_be_to_the_signer_s_certificate(
    authority: TimestampingAuthority, query: Callable[..., bytes], unit: Unit
) -> None:
    own = unit.identity

    def refers(**attributes: bytes | None) -> bool:
        given = {
            {"newer": cms.SIGNING_CERTIFICATE_V2, "older": cms.SIGNING_CERTIFICATE}[name]: value
            for name, value in attributes.items()
        }
        token = rebuilt(token_of(authority.stamp(query())), attributes=given)
        return tokens.refers_to(token, own)

    sha1 = tlv(4, hashlib.sha1(own.certificate, usedforsecurity=False).digest())
    older = tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, sha1)))
    wrong_serial = tlv(SEQUENCE, tlv(SEQUENCE, context(4, own.issuer)), b"\x02\x01\x05")
    assert refers(newer=reference(own.certificate))
    assert refers(newer=reference(own.certificate, digest="sha512"))
    assert refers(newer=None, older=older)
    assert not refers(newer=None)
    assert not refers(newer=reference(b"another certificate"))
    assert not refers(newer=reference(own.certificate, issuer_serial=wrong_serial))
    assert not refers(newer=tlv(SEQUENCE, tlv(SEQUENCE)))
    assert not refers(newer=b"\x05\x00")
    assert not refers(older=tlv(SEQUENCE, tlv(SEQUENCE, tlv(SEQUENCE, tlv(4, bytes(20))))))


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
def test_the_signer_identifier_must_be_the_certificate_s(
    authority: TimestampingAuthority, query: Callable[..., bytes], unit: Unit, pki: Any
) -> None:
    token = token_of(authority.stamp(query()))
    assert not tokens.refers_to(token, identity(pki.issuing))
    key_id = unit.identity.key_id
    assert key_id is not None
    token.signer.sid = key_id
    assert tokens.refers_to(token, unit.identity)
    token.signer.sid = b"another key"
    assert not tokens.refers_to(token, unit.identity)


@pytest.mark.req("RFC3161:2.4.2-SYSTEM-FAILURE")
def test_a_token_that_breaks_a_rule_never_leaves(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    monkeypatch: pytest.MonkeyPatch,
    recorder: Recorder,
) -> None:
    written = Template.tst_info

    def wrong(self: Template, content: Content) -> bytes:
        return written(self, content._replace(nonce=(content.nonce or 0) + 1))

    with monkeypatch.context() as patched:
        patched.setattr(Template, "tst_info", wrong)
        answer = wire.decode_response(authority.stamp(query(nonce=1)))
    assert answer.failures == ("systemFailure",)
    assert answer.token is None
    status = authority.status()
    assert status["units"][0]["last_failure"]["code"] == "EN319422:4.2.2-NONCE"
    assert wire.decode_response(authority.stamp(query(nonce=1))).token is not None
    assert authority.status()["units"][0]["last_failure"] is None
    del recorder


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER", "EN319422:4.2.2-NONCE", "RFC3161:2.4.2-SYSTEM-FAILURE")
@pytest.mark.parametrize("part", ["tst_info", "attributes"])
def test_a_token_of_known_lengths_is_looked_at_all_the_same(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    monkeypatch: pytest.MonkeyPatch,
    part: str,
) -> None:
    clock.step = timedelta(0)  # one genTime, one length
    unit = authority._units["tsu-1"]
    while len(unit.proven) < 3:  # ECDSA signatures have 70 to 72 octets, seldom fewer
        assert wire.decode_response(authority.stamp(query(nonce=1))).token is not None
    written = getattr(Template, part)

    def wrong(self: Template, given: Any) -> bytes:
        made: bytes = written(self, given)
        place = made.rindex(unit.template.digest(given).digest()) if part == "attributes" else len(made) - 1
        return made[:place] + bytes((made[place] ^ 2,)) + made[place + 1 :]

    monkeypatch.setattr(Template, part, wrong)
    before = len(unit.proven)
    answers = [wire.decode_response(authority.stamp(query(nonce=1))) for _ in range(8)]
    assert {answer.failures for answer in answers} == {("systemFailure",)}
    assert len(unit.proven) == before


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER", "EN319422:4.2.2-NONCE")
@pytest.mark.parametrize("part", [0, 1, 2], ids=["head", "middle", "tail"])
def test_what_surrounds_a_token_of_known_lengths_is_looked_at_all_the_same(
    authority: TimestampingAuthority, query: Callable[..., bytes], clock: SteeredClock, part: int
) -> None:
    clock.step = timedelta(0)  # one genTime, one length
    unit = authority._units["tsu-1"]
    while len(unit.proven) < 3:
        assert wire.decode_response(authority.stamp(query(nonce=1))).token is not None
    frames, altered = unit.template._frames, set[Any]()
    refused = 0
    while refused < 8:
        for lengths in frames.keys() - altered:  # a signature of another length comes now and then
            changed = list(frames[lengths])
            changed[part] = changed[part][:-3] + bytes((changed[part][-3] ^ 1,)) + changed[part][-2:]
            frames[lengths] = (changed[0], changed[1], changed[2])
            altered.add(lengths)
        answer = wire.decode_response(authority.stamp(query(nonce=1)))
        if frames.keys() != altered:
            continue
        assert (answer.token, answer.failures) == (None, ("systemFailure",))
        refused += 1


@pytest.mark.req("RFC3161:2.4.2-ONE-SIGNER")
@pytest.mark.parametrize("known", [False, True])
@pytest.mark.parametrize(
    "wrong",
    [
        lambda token: tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("020102")), token),
        lambda token: tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("020100"), tlv(SEQUENCE)), token),
        lambda token: tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("020100")), token) + b"\0",
        lambda token: tlv(SEQUENCE, tlv(SEQUENCE, bytes.fromhex("020100")), token, b"\5\0"),
        lambda token: token,
    ],
    ids=["rejection", "with a text", "longer", "more", "no answer"],
)
def test_an_answer_that_does_not_grant_the_token_never_leaves(
    authority: TimestampingAuthority,
    query: Callable[..., bytes],
    clock: SteeredClock,
    monkeypatch: pytest.MonkeyPatch,
    wrong: Callable[[bytes], bytes],
    *,
    known: bool,
) -> None:
    clock.step = timedelta(0)
    unit = authority._units["tsu-1"]
    while known and len(unit.proven) < 3:
        assert wire.decode_response(authority.stamp(query(nonce=1))).token is not None
    monkeypatch.setattr("trustworks.timestamping.template.response", wrong)
    for _ in range(4):
        assert wire.decode_response(authority.stamp(query(nonce=1))).failures == ("systemFailure",)


def test_lengths_that_a_client_tries_are_not_remembered_for_ever(
    authority: TimestampingAuthority, query: Callable[..., bytes], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("trustworks.timestamping.template.MOST_FRAMES", 4)
    unit = authority._units["tsu-1"]
    for octets in range(1, 40):
        token = wire.decode_response(authority.stamp(query(nonce=1 << 8 * octets - 2))).token
        assert token is not None
        assert wire.read_token(token).tst_info.nonce == 1 << 8 * octets - 2
        assert len(unit.proven) <= 4
        assert len(unit.template._frames) <= 4


@pytest.mark.req("RFC3161:2.4.2-GENTIME", "EN319422:5.2.2-GENTIME")
@pytest.mark.parametrize(
    "written",
    [
        b"20260504030201.250Z",
        b"20260504030201.25",
        b"20260504030201Z",
        b"20260504030201.Z",
        b"20260504030202.25Z",
        b"20260504030201.26Z",
        b"20260504030201,25Z",
        b"260504030201.25Z",
    ],
)
def test_another_way_to_write_the_time_is_stopped(expected: Expected, written: bytes) -> None:
    fields = fields_of(content_of(expected))
    assert fields.gen_time == b"20260504030201.25Z"
    assert tokens.time_is_the_clock_s(fields, expected)
    assert not tokens.time_is_the_clock_s(fields._replace(gen_time=written), expected)
    whole = expected._replace(gen_time=datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC))
    assert tokens.time_is_the_clock_s(fields._replace(gen_time=b"20260504030201Z"), whole)
    for bad in (b"20260504030201.0Z", b"20260504030201.Z"):
        assert not tokens.time_is_the_clock_s(fields._replace(gen_time=bad), whole)


@pytest.mark.parametrize("qualified", [True, False])
def test_whatever_is_damaged_in_a_token_of_our_own_is_noticed(
    authority_of: Callable[..., TimestampingAuthority], expected: Expected, *, qualified: bool
) -> None:
    unit = authority_of(unit={"qualified": qualified})._units["tsu-1"]
    meant = expected._replace(
        request=expected.request._replace(cert_req=False), qualified=qualified, shape=unit.shape
    )
    tst_info = wire.encode_tst_info(content_of(expected)._replace(qualified=qualified))
    parts = unit.template
    whole = parts.token(tst_info, parts.attributes(tst_info), b"signature", certificates=False)
    assert tokens.objection(readback.read_own(whole), meant) is None
    # The digest would give every change of the content away at once: the rules must find it without, too.
    blind = meant._replace(digest=lambda _: meant.digest(tst_info))
    for place in range(len(whole)):
        for bit in (1, 0x20, 0x80):
            damaged = whole[:place] + bytes((whole[place] ^ bit,)) + whole[place + 1 :]
            try:
                own = readback.read_own(damaged)
            except Malformed:
                continue
            assert tokens.objection(own, blind) is not None, (place, bit)
    for end in range(len(whole)):
        with pytest.raises(Malformed):
            readback.read_own(whole[:end])
    for length in (tst_info[1] - 1, tst_info[1] + 1):
        with pytest.raises(Malformed):
            readback.read_tst_fields(tst_info[:1] + bytes((length,)) + tst_info[2:])
    with pytest.raises(Malformed):
        readback.read_own(whole + b"\0")


def test_times_of_one_second_are_cut_not_rounded() -> None:
    moment = datetime(2026, 5, 4, 3, 2, 1, 999999, tzinfo=UTC)
    assert wire.cut(moment, 1_000_000) == moment - timedelta(microseconds=999999)
    assert wire.cut(moment, 1_000).microsecond == 999000
    assert wire.cut(moment, 1) == moment
