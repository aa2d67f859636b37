"""Tokens from anywhere: what is wrong with one is told, and nothing in one ends in a fault of the program."""

from __future__ import annotations

import base64
import hashlib
import random
import re
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import foreign_tokens as foreign
import pytest
from cryptography import x509
from foreign_tokens import DATA, TIME_STAMPING, WHEN, ForeignAuthority, name, spki_of, tst_info

from trustworks.core.audit.tokens import stamped_time
from trustworks.core.der import cms, tsp
from trustworks.core.der.algorithms import HASHES, hash_identifier
from trustworks.core.der.encode import (
    BIT_STRING,
    GENERALIZED_TIME,
    SEQUENCE,
    SET,
    UTC_TIME,
    context,
    extension,
    integer,
    oid,
    tlv,
)
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError
from trustworks.timestamping import client, wire
from trustworks.timestamping.inspect import as_dict, as_text
from trustworks.timestamping.rules import tokens
from trustworks.timestamping.verify import Verified, digests_of, verify

QUALIFIED = tsp.qc_statements(tsp.ESI4_QTST_STATEMENT_1)

# The numbers of foreign certificates are as they are; whether one is negative is no concern here.
pytestmark = pytest.mark.filterwarnings("ignore::cryptography.utils.CryptographyDeprecationWarning")


@pytest.fixture(scope="module")
def tsa() -> ForeignAuthority:
    return ForeignAuthority()


def check(tsa: ForeignAuthority, token: bytes, **given: Any) -> Verified:
    return verify(token, digests_of(DATA), **({"anchors": [tsa.anchor]} | given))


def shown(token: bytes) -> str:
    return as_text(as_dict(wire.read_token(token)))


def test_a_foreign_token_verifies(tsa: ForeignAuthority) -> None:
    assert check(tsa, tsa.token()).gen_time == WHEN


def unreadable_certificates(tsa: ForeignAuthority) -> dict[str, bytes]:
    """Certificates whose faults their reader finds at once, or only when it is asked for the part."""
    unknown_curve = tlv(SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.3.132.0.99"))
    return {
        "version": tsa.certify(version=integer(0x12)),
        "subject": tsa.certify(subject=name(b"\xff\xfe")),
        "subject-bits": tsa.certify(subject=name(b"\0\1", tag=BIT_STRING)),
        "issuer": tsa.certify(issuer=name(b"\xff\xfe")),
        "general-name": tsa.certify(extensions=[TIME_STAMPING, extension("2.5.29.17", tlv(SEQUENCE, X400))]),
        "extension-twice": tsa.certify(extensions=[TIME_STAMPING] * 2),
        "curve": tsa.certify(spki=spki_of(unknown_curve)),
        "key": tsa.certify(spki=spki_of(tlv(SEQUENCE, oid("2.999.5")))),
        "point": tsa.certify(
            spki=spki_of(tlv(SEQUENCE, oid("1.2.840.10045.2.1"), oid("1.2.840.10045.3.1.7")))
        ),
        "year": tsa.certify(validity=(tlv(GENERALIZED_TIME, b"00000101000000Z"), LATER)),
        "nothing": tlv(SEQUENCE, b"\5\0"),
    }


LATER = tlv(GENERALIZED_TIME, b"20600101000000Z")


X400 = context(3, tlv(SEQUENCE))  # a general name of a kind that is not supported
PARTS = [
    *("version", "subject", "subject-bits", "issuer", "general-name"),
    *("extension-twice", "curve", "key", "point", "year", "nothing"),
]
NAMELESS = {"version", "subject", "subject-bits", "nothing"}


@pytest.mark.parametrize("part", PARTS)
def test_a_signer_s_certificate_that_cannot_be_read_is_told(tsa: ForeignAuthority, part: str) -> None:
    token = tsa.token(certificate=unreadable_certificates(tsa)[part])
    with pytest.raises(Rejected, match="at hand 1 cannot be read") as caught:
        check(tsa, token)
    assert caught.value.code == "timestamp.no-certificate"
    assert ("not readable" in shown(token)) is (part in NAMELESS)


@pytest.mark.parametrize("first", [True, False], ids=["first", "last"])
@pytest.mark.parametrize("part", PARTS)
def test_another_certificate_that_cannot_be_read_spoils_nothing(
    tsa: ForeignAuthority, part: str, *, first: bool
) -> None:
    known = [tsa.certificate, tsa.ca]
    other = unreadable_certificates(tsa)[part]
    token = tsa.token(certificates=[other, *known] if first else [*known, other])
    assert check(tsa, token).gen_time == WHEN
    with pytest.raises(Rejected) as caught:
        check(tsa, token, anchors=[])
    assert caught.value.code == "path.no-anchor"
    if part not in {"version", "nothing"}:  # which nobody can load, to give them
        given = x509.load_der_x509_certificate(other)
        assert check(tsa, tsa.token(), untrusted=[given], anchors=[given, tsa.anchor]).gen_time == WHEN
        with pytest.raises(Rejected) as caught:
            check(tsa, tsa.token(), untrusted=[given], anchors=[])
        assert caught.value.code == "path.no-anchor"
        bare = [given, x509.load_der_x509_certificate(tsa.certificate)]
        assert check(tsa, tsa.token(certificates=[]), untrusted=bare).gen_time == WHEN
    assert ("not readable" in shown(token)) is (part in NAMELESS)


def shows(token: bytes) -> dict[str, Any]:
    return as_dict(wire.read_token(token))


NUMBER = integer(1 << 40_000)  # more digits than Python writes
NOT_CRITICAL, CRITICAL = (extension("2.999.9", b"\5\0", critical=critical) for critical in (False, True))
SECOND = integer(1)


def accuracy(*parts: bytes) -> bytes:
    return tlv(SEQUENCE, *parts)


@pytest.mark.req(
    "RFC3161:2.4.2-VERSION", "RFC3161:2.4.2-ACCURACY", "RFC3161:2.4.2-CRITICAL", "RFC3161:2.4.2-SERIAL"
)
@pytest.mark.parametrize(
    ("fields", "requirement"),
    [
        ({"version": integer(0)}, "RFC3161:2.4.2-VERSION"),
        ({"version": integer(2)}, "RFC3161:2.4.2-VERSION"),
        ({"version": NUMBER}, "RFC3161:2.4.2-VERSION"),
        ({"serial": integer(-5)}, "RFC3161:2.4.2-SERIAL"),
        ({"accuracy": accuracy(integer(-1))}, "RFC3161:2.4.2-ACCURACY"),
        ({"accuracy": accuracy(SECOND, integer(0, 0x80))}, "RFC3161:2.4.2-ACCURACY"),
        ({"accuracy": accuracy(SECOND, integer(1000, 0x80))}, "RFC3161:2.4.2-ACCURACY"),
        ({"accuracy": accuracy(SECOND, integer(0, 0x81))}, "RFC3161:2.4.2-ACCURACY"),
        ({"accuracy": accuracy(integer(1000, 0x81))}, "RFC3161:2.4.2-ACCURACY"),
        ({"extensions": context(1, NOT_CRITICAL, CRITICAL)}, "RFC3161:2.4.2-CRITICAL"),
    ],
)
def test_a_tst_info_that_no_verifier_may_take(
    tsa: ForeignAuthority, fields: dict[str, bytes], requirement: str
) -> None:
    token = tsa.token(tst_info(**fields))
    with pytest.raises(Refused) as caught:
        check(tsa, token)
    assert caught.value.requirement == requirement
    shown(token)


@pytest.mark.req(
    "RFC3161:2.4.2-VERSION", "RFC3161:2.4.2-ACCURACY", "RFC3161:2.4.2-CRITICAL", "RFC3161:2.4.2-SERIAL"
)
@pytest.mark.parametrize(
    "fields",
    [
        {"serial": integer(0)},
        {"serial": NUMBER},
        {"nonce": NUMBER},
        {"accuracy": accuracy()},
        {"accuracy": accuracy(integer(0), integer(1, 0x80), integer(999, 0x81))},
        {"extensions": context(1, NOT_CRITICAL)},
        {"extensions": context(1, extension(tsp.QC_STATEMENTS, QUALIFIED, critical=True))},
    ],
)
def test_a_tst_info_that_is_seldom_and_right(tsa: ForeignAuthority, fields: dict[str, bytes]) -> None:
    token = tsa.token(tst_info(**fields))
    assert check(tsa, token).gen_time == WHEN
    assert shown(token)


@pytest.mark.parametrize("parts", [(NUMBER,), (SECOND, integer(-1 << 40_000, 0x81))])
def test_an_accuracy_beyond_all_numbers_is_malformed(tsa: ForeignAuthority, parts: tuple[bytes]) -> None:
    token = tsa.token(tst_info(accuracy=accuracy(*parts)))
    for act in (lambda one: check(tsa, one), shown):
        with pytest.raises(Malformed, match="accuracy"):
            act(token)


def test_a_salt_beyond_all_numbers_is_malformed(tsa: ForeignAuthority) -> None:
    pss = (oid("1.2.840.113549.1.1.8"), foreign.SHA256)
    parameters = (context(0, foreign.SHA256), context(1, tlv(SEQUENCE, *pss)), context(2, NUMBER))
    algorithm = tlv(SEQUENCE, oid("1.2.840.113549.1.1.10"), tlv(SEQUENCE, *parameters))
    token = tsa.token(signer={"algorithm": algorithm})
    with pytest.raises(Malformed, match="salt"):
        check(tsa, token)
    assert shows(token)["signature_algorithm"] == "1.2.840.113549.1.1.10"


@pytest.mark.parametrize("status", [-1, 6, 1 << 40_000], ids=["negative", "six", "huge"])
def test_a_status_that_is_none_is_malformed(status: int) -> None:
    with pytest.raises(Malformed, match="status"):
        client.granted_token(tlv(SEQUENCE, tlv(SEQUENCE, integer(status))))


@pytest.mark.req("RFC3161:2.2-TIME")
def test_a_token_from_the_future_is_not_taken(tsa: ForeignAuthority) -> None:
    token = tsa.token()
    for early in (timedelta(0), timedelta(seconds=59), timedelta(days=-4000)):
        assert check(tsa, token, now=WHEN - early).gen_time == WHEN
    with pytest.raises(Rejected, match=r"future.* 2026-05-04.*clock") as caught:
        check(tsa, token, now=WHEN - timedelta(minutes=2))
    assert caught.value.code == "timestamp.future"
    with pytest.raises(Rejected, match="future"):
        check(tsa, tsa.token(tst_info(time=b"20990101000000Z")))


@pytest.mark.req("EN319421:7.6.7-KEY-EXPIRY")
@pytest.mark.parametrize(
    ("begins", "ends", "held"),
    [
        (b"20260101000000Z", b"20260504030201Z", True),
        (b"20260504030201Z", b"", True),
        (b"", b"20260504030200Z", False),
        (b"20260504030202Z", b"", False),
    ],
)
def test_the_signer_s_key_must_have_been_in_use(
    tsa: ForeignAuthority, begins: bytes, ends: bytes, *, held: bool
) -> None:
    period = (context(n, one, constructed=False) for n, one in enumerate((begins, ends)) if one)
    own = tsa.certify(extensions=[TIME_STAMPING, extension("2.5.29.16", tlv(SEQUENCE, *period))])
    token = tsa.token(certificate=own)
    if held:
        assert check(tsa, token).gen_time == WHEN
        return
    with pytest.raises(Rejected, match="key") as caught:
        check(tsa, token)
    assert caught.value.code == "timestamp.key-period"


@pytest.mark.req("RFC3161:2.2-SIGNATURE")
def test_a_path_is_looked_for_at_the_time_of_the_token_and_not_now(tsa: ForeignAuthority) -> None:
    own = tsa.certify(validity=(tlv(UTC_TIME, b"190101000000Z"), tlv(UTC_TIME, b"210101000000Z")))
    token = tsa.token(tst_info(time=b"20200504030201Z"), certificate=own)
    assert check(tsa, token).gen_time == WHEN.replace(year=2020)
    with pytest.raises(Rejected) as caught:
        check(tsa, token, at=WHEN)
    assert caught.value.code == "path.expired"


@pytest.mark.req("RFC3161:2.2-SIGNATURE")
def test_the_digest_algorithm_must_be_that_of_the_signature(tsa: ForeignAuthority) -> None:
    other = {"digest": "sha512", "digest_algorithm": hash_identifier("sha512")}
    with pytest.raises(Rejected, match="digest algorithm is sha512") as caught:
        check(tsa, tsa.token(signer=other, digests=[hash_identifier("sha512")]))
    assert caught.value.code == "signature.algorithm"


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
@pytest.mark.parametrize("issuer", [b"CA", b"Another CA"])
def test_the_signer_is_named_by_issuer_and_number(tsa: ForeignAuthority, issuer: bytes) -> None:
    token = tsa.token(signer={"sid": tlv(SEQUENCE, name(issuer), integer(foreign.SERIAL))})
    if issuer == b"CA":
        assert check(tsa, token).gen_time == WHEN
        return
    with pytest.raises(Rejected, match="not at hand") as caught:
        check(tsa, token)
    assert caught.value.code == "timestamp.no-certificate"


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
def test_a_reference_that_is_missing_or_by_another_hash_is_told_as_such(tsa: ForeignAuthority) -> None:
    sha224 = tlv(SEQUENCE, oid("2.16.840.1.101.3.4.2.4"))
    by_sha224 = foreign.reference(tsa.certificate, hash_name="sha224", algorithm=sha224)
    unread = foreign.attribute(cms.SIGNING_CERTIFICATE_V2, b"\5\0")
    for wrong, code in (
        (b"", "timestamp.no-reference"),
        (unread, "timestamp.no-reference"),
        (by_sha224, "timestamp.reference-hash"),
    ):
        with pytest.raises(Rejected) as caught:
            check(tsa, tsa.token(signer={"reference_": wrong}))
        assert caught.value.code == code


@pytest.mark.req("EN319422:5.2.2-SIGNING-CERTIFICATE")
@pytest.mark.parametrize("hash_name", list(HASHES))
def test_a_reference_by_every_hash_function_that_is_known(tsa: ForeignAuthority, hash_name: str) -> None:
    by = foreign.reference(tsa.certificate, hash_name=hash_name, algorithm=hash_identifier(hash_name))
    assert check(tsa, tsa.token(signer={"reference_": by})).gen_time == WHEN


UNKNOWN_DIGEST = tlv(SEQUENCE, oid("2.999.4"), integer(3))


@pytest.mark.req("RFC5652:5.1-DIGEST-ALGORITHMS")
@pytest.mark.parametrize(
    ("digests", "held"),
    [
        ([foreign.SHA256], True),
        ([tlv(SEQUENCE, oid(HASHES["sha256"].oid), b"\5\0")], True),
        ([foreign.SHA256, hash_identifier("sha512")], True),
        (sorted([foreign.SHA256, UNKNOWN_DIGEST]), True),
        ([], False),
        ([hash_identifier("sha512")], False),
        ([UNKNOWN_DIGEST], False),
        (sorted([foreign.SHA256, b"\5\0"]), False),
        (sorted([foreign.SHA256, tlv(SEQUENCE)]), False),
        (sorted([foreign.SHA256, tlv(SEQUENCE, oid("2.999.4"), integer(3), integer(3))]), False),
        (sorted([foreign.SHA256, tlv(SEQUENCE, integer(3))]), False),
    ],
)
def test_a_token_announces_the_digest_algorithm_of_its_signer(
    tsa: ForeignAuthority, digests: list[bytes], *, held: bool
) -> None:
    token = tsa.token(digests=digests)
    if held:
        assert check(tsa, token).gen_time == WHEN
        return
    with pytest.raises(Refused, match="announce") as caught:
        check(tsa, token)
    assert caught.value.requirement == "RFC5652:5.1-DIGEST-ALGORITHMS"


@pytest.mark.req("RFC5035:5.4-PATH")
@pytest.mark.parametrize("refer", [foreign.reference, foreign.older_reference], ids=["newer", "older"])
def test_further_references_say_which_ca_certificates_the_path_may_have(
    tsa: ForeignAuthority, refer: Any
) -> None:
    named, other = (tsa.certify_ca(b"Sub", serial=number) for number in (1, 2))
    unit = tsa.certify(issuer=name(b"Sub"))
    sid = tlv(SEQUENCE, name(b"Sub"), integer(foreign.SERIAL))

    def token(*references: bytes, sent: bytes) -> bytes:
        signer = {"reference_": refer(*references), "sid": sid}
        return tsa.token(certificate=unit, certificates=[unit, sent], signer=signer)

    assert check(tsa, token(unit, named, sent=named)).path[1].serial_number == 1
    assert check(tsa, token(unit, named, tsa.ca, sent=named)).path[1].serial_number == 1
    assert check(tsa, token(unit, sent=other)).path[1].serial_number == 2
    given = [x509.load_der_x509_certificate(named)]
    assert check(tsa, token(unit, named, sent=other), untrusted=given).path[1].serial_number == 1
    for limited in ((unit, named), (unit, tsa.ca)):
        with pytest.raises(Rejected, match="refers to the CA certificates") as caught:
            check(tsa, token(*limited, sent=other))
        assert caught.value.code == "timestamp.path-reference"
    odd = [x509.load_der_x509_certificate(unreadable_certificates(tsa)["year"])]
    assert check(tsa, token(unit, named, sent=named), untrusted=odd).path[1].serial_number == 1
    anchor = x509.load_der_x509_certificate(other)  # whom somebody trusts needs no reference
    assert len(check(tsa, token(unit, named, sent=other), anchors=[anchor]).path) == 2


@pytest.mark.req("RFC5035:5.4-PATH")
@pytest.mark.parametrize("refer", [foreign.reference, foreign.older_reference], ids=["newer", "older"])
def test_more_references_than_any_path_has_are_refused(tsa: ForeignAuthority, refer: Any) -> None:
    for number in (tokens.MOST_REFERENCES, tokens.MOST_REFERENCES + 1):
        references = [tsa.certificate, *[tsa.ca] * (number - 1)]
        token = tsa.token(signer={"reference_": refer(*references)})
        if number == tokens.MOST_REFERENCES:
            assert check(tsa, token).gen_time == WHEN
            continue
        with pytest.raises(Rejected, match=f"more than {tokens.MOST_REFERENCES} certificates") as caught:
            check(tsa, token)
        assert caught.value.code == "timestamp.references"


@pytest.mark.req("RFC5035:5.4-PATH")
@pytest.mark.parametrize("refer", [foreign.reference, foreign.older_reference], ids=["newer", "older"])
def test_a_certificate_is_hashed_once_for_all_references(
    tsa: ForeignAuthority, monkeypatch: pytest.MonkeyPatch, refer: Any
) -> None:
    others = [tsa.certify_ca(b"Sub", serial=number) for number in range(20)]
    token = tsa.token(
        certificates=[tsa.certificate, *others * 3], signer={"reference_": refer(tsa.certificate, *others)}
    )
    hashed: list[bytes] = []

    def counting(name: str, octets: bytes = b"", **more: Any) -> Any:
        hashed.append(octets)
        return hashlib.new(name, octets, **more)

    monkeypatch.setattr(tokens, "hashlib", SimpleNamespace(new=counting))
    assert check(tsa, token).gen_time == WHEN
    assert [hashed.count(one) for one in others] == [1] * len(others)


@pytest.mark.parametrize(
    ("written", "microsecond"),
    [
        (b".1234567", 123456),
        (b".9999999999999", 999999),
        (b".1000001", 100000),
        (b".0000001", 0),
        (b".123456", 123456),
        (b"", 0),
    ],
)
def test_a_fraction_of_any_length_is_cut_to_microseconds(
    tsa: ForeignAuthority, written: bytes, microsecond: int
) -> None:
    token = tsa.token(tst_info(time=b"20260504030201" + written + b"Z"))
    assert check(tsa, token).gen_time == WHEN.replace(microsecond=microsecond)
    imprint = hashlib.sha256(DATA).digest()
    assert stamped_time(token, imprint) == WHEN.replace(microsecond=microsecond)


@pytest.mark.parametrize("fraction", [b"", b".5", b".1234567"])
def test_a_leap_second_is_told_as_what_is_not_read(tsa: ForeignAuthority, fraction: bytes) -> None:
    token = tsa.token(tst_info(time=b"20161231235960" + fraction + b"Z"))
    with pytest.raises(Malformed, match=r"leap second, 2016-12-31T23:59:60Z\. .* ask for another"):
        check(tsa, token)
    with pytest.raises(Malformed, match="leap second"):
        wire.read_token(token)
    with pytest.raises(Malformed, match="leap second"):
        stamped_time(token, hashlib.sha256(DATA).digest())


@pytest.mark.parametrize(
    "time", [b"20161231235961Z", b"20161231236000Z", b"20161231125960Z", b"20161231240000Z"]
)
def test_a_time_that_no_clock_shows_is_malformed(tsa: ForeignAuthority, time: bytes) -> None:
    with pytest.raises(Malformed, match="TSTInfo in DER"):
        check(tsa, tsa.token(tst_info(time=time)))


@pytest.mark.parametrize("time", [b".5000000Z", b".Z", b".12345678", b".1234567+0100", b".123456x7Z"])
def test_a_fraction_that_is_not_in_der_is_malformed(tsa: ForeignAuthority, time: bytes) -> None:
    with pytest.raises(Malformed, match="TSTInfo in DER"):
        check(tsa, tsa.token(tst_info(time=b"20260504030201" + time)))


FALSE = b"\1\1\0"


def not_critical(written: bytes) -> bytes:
    """An extension whose `critical` is written like that, in the element of a TSTInfo."""
    return context(1, tlv(SEQUENCE, oid("2.999.9"), written, tlv(4, b"\5\0")))


@pytest.mark.req("RFC3161:2.4.2-CRITICAL")
@pytest.mark.parametrize(
    "fields",
    [
        {"ordering": FALSE},
        {"ordering": FALSE, "accuracy": accuracy(SECOND), "nonce": integer(7)},
        {"extensions": not_critical(FALSE)},
        {"ordering": FALSE, "time": b"20260504030201.1234567Z", "extensions": not_critical(FALSE)},
    ],
)
def test_a_default_that_is_written_out_is_read_and_its_octets_are_kept(
    tsa: ForeignAuthority, fields: dict[str, bytes]
) -> None:
    tst = tst_info(**fields)
    token = tsa.token(tst)
    found = check(tsa, token)
    assert found.token.tst_info_der == tst
    assert found.gen_time.replace(microsecond=0) == WHEN
    assert shows(token)["ordering"] is False
    assert stamped_time(token, hashlib.sha256(DATA).digest()) == found.gen_time


@pytest.mark.parametrize(
    "fields",
    [
        {"ordering": FALSE * 2},
        {"ordering": b"\1\1\1"},
        {"serial": integer(77) + FALSE},
        {"nonce": integer(7) + FALSE},
        {"extensions": not_critical(FALSE * 2)},
    ],
)
def test_a_content_that_is_not_in_der_is_not_to_be_converted(
    tsa: ForeignAuthority, fields: dict[str, bytes]
) -> None:
    for act in (lambda one: check(tsa, one), shown):
        with pytest.raises(Malformed, match=r"content is not a TSTInfo in DER.* would break that"):
            act(tsa.token(tst_info(**fields)))


def test_signed_attributes_that_are_not_in_der_are_not_to_be_converted(tsa: ForeignAuthority) -> None:
    tst = tst_info()
    attributes = [
        foreign.attribute(cms.MESSAGE_DIGEST, tlv(4, hashlib.sha256(tst).digest())),
        foreign.attribute(cms.CONTENT_TYPE, oid(tsp.TST_INFO)),
    ]
    token = tsa.token(tst, signer={"attributes": sorted(attributes, reverse=True)})
    for act in (lambda one: check(tsa, one), shown):
        with pytest.raises(Malformed, match=r"attributes are not in DER.* would break that"):
            act(token)


def without_attributes(tsa: ForeignAuthority) -> bytes:
    signer = tlv(
        SEQUENCE,
        *(integer(1), tlv(SEQUENCE, name(b"CA"), integer(foreign.SERIAL)), foreign.SHA256, foreign.ECDSA),
        tlv(4, b"a signature"),
    )
    return tsa.token(signers=[signer])


def detached(tsa: ForeignAuthority) -> bytes:
    parts = (integer(3), tlv(SET, foreign.SHA256), tlv(SEQUENCE, oid(tsp.TST_INFO)))
    signers = tlv(SET, tsa.signer(tst_info()))
    return tlv(SEQUENCE, oid(cms.SIGNED_DATA), context(0, tlv(SEQUENCE, *parts, signers)))


def what_is_no_token(tsa: ForeignAuthority) -> dict[str, bytes]:
    token = tsa.token()
    digest = hashlib.sha256(DATA).digest()
    return {
        "is empty": b"",
        "is text": b"-----BEGIN PKCS7-----\n" + base64.encodebytes(token) + b"-----END PKCS7-----\n",
        "decode the rest": base64.encodebytes(token),
        "is a request": wire.encode_request(digest, "sha256"),
        "no signed attributes": without_attributes(tsa),
        "what it signs lies elsewhere": detached(tsa),
        "in BER.* openssl ts -reply -token_in": b"\x30\x80" + token[4:] + b"\0\0",
        "not CMS signed data": tsa.certificate,
    }


@pytest.mark.parametrize(
    "told",
    [
        *("is empty", "is text", "decode the rest", "is a request", "no signed attributes"),
        *("what it signs lies elsewhere", "in BER.* openssl ts -reply -token_in", "not CMS signed data"),
    ],
)
def test_what_is_no_token_is_told_as_what_it_is(tsa: ForeignAuthority, told: str) -> None:
    for act in (lambda one: check(tsa, one), shown):
        with pytest.raises(Malformed, match=told):
            act(what_is_no_token(tsa)[told])


@pytest.mark.parametrize("end", [b"!", b"\0", b""])
def test_a_long_file_that_is_no_token_is_told_at_once(tsa: ForeignAuthority, end: bytes) -> None:
    """A pattern that gives back what it took would need hours for these: this test would not end."""
    for filler in (b" ", b"A", b"\n \t"):
        octets = (filler * wire.MAX_TOKEN)[: wire.MAX_TOKEN - 1] + end
        for act in (lambda one: check(tsa, one), shown):
            with pytest.raises(Malformed, match=r"is text|not CMS signed data|is empty"):
                act(octets)
    with pytest.raises(Malformed, match="is text"):
        shown(b"\r\n" * 1000 + base64.encodebytes(tsa.token()))


def test_what_need_not_be_verified_is_shown(tsa: ForeignAuthority) -> None:
    sha1 = tlv(SEQUENCE, oid("1.3.14.3.2.26"), b"\5\0")
    unit = context(0, context(4, name(b"A unit")))
    fields = tst_info(tsa=unit, extensions=context(1, NOT_CRITICAL, CRITICAL))
    signers = [tsa.signer(fields, digest_algorithm=sha1, digest="sha1"), tsa.signer(fields)]
    token = tsa.token(fields, signers=signers)
    found = shows(token)
    assert found["signers"] == 2
    assert found["tsa"] == "CN=A unit"
    assert found["extensions"] == ["2.999.9", "2.999.9"]
    text = shown(token)
    assert re.search(r"^signers +2, of whom the first is shown$", text, re.MULTILINE)
    assert re.search(r"^tsa +CN=A unit$", text, re.MULTILINE)
    assert len(re.findall(r"^extension +2\.999\.9$", text, re.MULTILINE)) == 2
    one = shows(tsa.token(signer={"digest_algorithm": sha1, "digest": "sha1"}))
    assert (one["digest"], one["signers"], one["tsa"]) == ("1.3.14.3.2.26", 1, None)
    with pytest.raises(Rejected, match="not accepted") as caught:
        check(tsa, tsa.token(signer={"digest_algorithm": sha1, "digest": "sha1"}))
    assert caught.value.code == "algorithm.hash"


@pytest.mark.parametrize("tsa_name", [context(2, b"tsa.test", constructed=False), context(4, b"\5\0")])
def test_a_unit_s_name_of_another_kind_is_shown_as_there(tsa: ForeignAuthority, tsa_name: bytes) -> None:
    assert shows(tsa.token(tst_info(tsa=context(0, tsa_name))))["tsa"] == "not readable"


@pytest.mark.req("EN319422:9.1-QUALIFIED")
@pytest.mark.parametrize("kind", [tsp.QC_STATEMENTS, "2.999.9"])
def test_a_statement_in_another_extension_says_nothing(tsa: ForeignAuthority, kind: str) -> None:
    token = tsa.token(tst_info(extensions=context(1, extension(kind, QUALIFIED))))
    assert shows(token)["qualified"] is (kind == tsp.QC_STATEMENTS)


def damaged(octets: bytes, chance: random.Random) -> bytes:
    """The octets with one to four of them changed, added or taken away, or cut short."""
    found = bytearray(octets)
    for _ in range(chance.choice((1, 1, 1, 2, 4))):
        if not found:
            break
        place = chance.randrange(len(found))
        match chance.choice(("flip", "flip", "flip", "set", "set", "delete", "insert", "cut")):
            case "flip":
                found[place] ^= 1 << chance.randrange(8)
            case "set":
                found[place] = chance.choice((0, 1, 2, 4, 5, 0x30, 0x31, 0x7F, 0x80, 0xA0, 0xFF))
            case "delete":
                del found[place]
            case "insert":
                found.insert(place, chance.randrange(256))
            case "cut":
                del found[place:]
    return bytes(found)


@pytest.mark.parametrize("seed", range(4))
def test_whatever_is_damaged_it_is_told_in_words(tsa: ForeignAuthority, seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311 - the same damage in every run
    token = tsa.token()
    answer = wire.encode_granted(token)
    told: list[str] = []
    for _ in range(750):
        for act, octets in (
            (lambda one: check(tsa, one), token),
            (shown, token),
            (client.granted_token, answer),
        ):
            wrong = damaged(octets, chance)
            try:
                act(wrong)
            except TrustworksError as error:
                told.append(str(error))
    assert len(told) > 1000
    assert all(one.endswith(".") for one in told)
