"""JAdES signatures that are made here, read back by our own reader; their values are verified."""

from __future__ import annotations

import base64
import hashlib
import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, get_args

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from hypothesis import given
from hypothesis import strategies as st
from jades_vectors import Signer, named
from signed_corpus import signer, verifies

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.ports import ValidationData
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets, Stored
from trustworks.formats.evidence import PolicyReference, Weight
from trustworks.formats.jades.creating import (
    Options,
    Prepared,
    Target,
    data_to_stamp,
    parallel,
    prepare,
    signing_input,
    value_to_countersign,
    with_counter_signature,
    with_time_stamp,
    with_time_stamp_validation_data,
    with_values,
)
from trustworks.formats.jades.creating.payloads import Payload, beside, by_hash, by_uri, of_http, within
from trustworks.formats.jades.creating.signing import Serialization
from trustworks.formats.jades.creating.unsigned import Kind
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CONTENT = b'{"title": "Hello"}'
SIGNER = Signer(issuer="CA")
CERTIFICATES = (SIGNER.certificate, SIGNER.authority.ca)
CLAIMS = Claims(signing_time=WHEN)
OPTIONS = Options(scheme="ECDSA_SHA256")
AUTHORITY = ValidationData(certificates=[SIGNER.authority.ca])
FILES = (Octets(b"first", "a.txt"), Octets(b"second", "folder/b.txt"))
MESSAGE = Octets(b"POST /a HTTP/1.1\r\nHost: example.org\r\nX-Note: Hello\r\n\r\n", "message")


def by_key(octets: bytes) -> bytes:
    return SIGNER.key.sign(octets, ec.ECDSA(hashes.SHA256()))


def made(
    payload: Payload,
    serialization: Serialization = "flattened",
    *,
    claims: Claims = CLAIMS,
    options: Options = OPTIONS,
    certificates: Sequence[bytes] = CERTIFICATES,
    sign: Callable[[bytes], bytes] = by_key,
) -> bytes:
    prepared = prepare(payload, certificates, claims, options)
    again = Prepared.decode(prepared.encode())
    assert again == prepared
    over = signing_input(prepared.header, payload)
    if prepared.dtbs.hash_name:
        assert prepared.dtbs.digest == over.digest(prepared.dtbs.hash_name)
    else:
        assert prepared.dtbs.octets == over.octets()
    return again.complete(sign(over.octets()), serialization)


def whole(found: Evidence) -> bool:
    """Whether every signature verifies, all is intact, and nothing is said against it."""
    stamps = [one for stamp in found.time_stamps for one in stamp.references]
    signed = [one for signature in found.signatures for one in signature.references]
    told = [*found.findings, *(one for signature in found.signatures for one in signature.findings)]
    return (
        all(one.intact for one in (*stamps, *signed))
        and all(verifies(one, signer(found, one)) for one in found.signatures)
        and not [one for one in told if one.weight is not Weight.NOTE and one.code != "jades.boundaries"]
    )


def evidence(octets: bytes, detached: Sequence[Data] = ()) -> Evidence:
    return read(Octets(octets, "a.json"), detached=detached)


@pytest.mark.parametrize("serialization", get_args(Serialization))
@pytest.mark.parametrize("older", [False, True])
def test_a_baseline_signature(serialization: Serialization, *, older: bool) -> None:
    when = WHEN.replace(year=2024) if older else WHEN
    options = replace(OPTIONS, older=older, type="jose", content_type="json")
    found = evidence(made(within(CONTENT), serialization, claims=Claims(signing_time=when), options=options))
    (signature,) = found.signatures
    assert whole(found)
    assert (signature.level, signature.attributes.signing_time) == ("JAdES-BASELINE-B", when)
    assert (signature.attributes.mime_type, signature.attributes.content_type) == ("jose", "json")
    assert signature.scopes[0].data is not None
    assert signature.scopes[0].data.octets() == CONTENT


def test_all_that_a_signer_says() -> None:
    policy = PolicyReference(
        identifier="1.2.3",
        digest_algorithm="sha512",
        digest=b"\1" * 64,
        uri="https://a.example/p",
        user_notice="By these rules.",
        description="A policy",
    )
    claims = Claims(
        signing_time=WHEN,
        location={"addressCountry": "ZZ", "addressLocality": "Town"},
        commitments=("http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin",),
        claimed_roles=("director",),
        certified_roles=(b"an attribute certificate",),
        policy=policy,
    )
    stamped = token(base64.urlsafe_b64encode(CONTENT).rstrip(b"="))
    options = replace(OPTIONS, hash_name="sha512", time_stamps=(stamped,))
    found = evidence(made(within(CONTENT), claims=claims, options=options))
    assert whole(found)
    attributes = found.signatures[0].attributes
    assert attributes.location == {"addressCountry": "ZZ", "addressLocality": "Town"}
    assert attributes.commitments == claims.commitments
    assert attributes.claimed_roles == ("director",)
    assert attributes.certified_roles == 1
    assert attributes.policy == policy
    assert found.signatures[0].signing_certificate[0].digest_algorithm == "sha512"
    assert len(found.time_stamps) == 1


def token(over: bytes) -> bytes:
    """A time-stamp token over octets."""
    return base64.b64decode(SIGNER.token(over)["tstTokens"][0]["val"])


def stamped(target: Target) -> bytes:
    return with_time_stamp(target, token(data_to_stamp(target).octets()))


def archived(target: Target) -> bytes:
    return with_time_stamp(target, token(data_to_stamp(target, "arcTst").octets()), "arcTst")


PAYLOADS: dict[str, tuple[Payload, Sequence[Data]]] = {
    "within": (within(CONTENT), ()),
    "in clear": (within("Grüße, in clear".encode(), encoded=False), ()),
    "beside": (beside(FILES[0]), FILES[:1]),
    "beside in clear": (beside(FILES[0], encoded=False), FILES[:1]),
    "one by its name": (by_uri(FILES[:1]), FILES[:1]),
    "several by name": (by_uri(FILES), FILES),
    "by name in clear": (by_uri(FILES, encoded=False), FILES),
    "by digest": (by_hash(FILES, content_types=["text/plain", "text/plain"]), FILES),
    "by digest in clear": (by_hash(FILES, "sha512", encoded=False), FILES),
    "of HTTP": (of_http([MESSAGE], ["host", "X-Note"]), [MESSAGE]),
}


@pytest.mark.parametrize("name", PAYLOADS)
def test_payloads_of_every_kind_up_to_the_last_level(name: str) -> None:
    payload, detached = PAYLOADS[name]
    target = Target(file=made(payload), beside=detached)
    levels = []
    status = ValidationData(certificates=[SIGNER.authority.ca], lists=[SIGNER.revocation_list("CA")])
    more = ValidationData(certificates=[SIGNER.authority.certificate])
    for step in (
        lambda target: target.file,
        stamped,
        lambda target: with_values(target, status),
        archived,
        lambda target: with_time_stamp_validation_data(target, more),
        archived,
    ):
        target = replace(target, file=step(target))
        found = evidence(target.file, detached)
        assert whole(found)
        levels.append(found.signatures[0].level.removeprefix("JAdES-BASELINE-"))
    assert levels == ["B", "T", "LT", "LTA", "LTA", "LTA"]
    changed = [Octets(b"changed", one.name) for one in detached]
    assert not whole(evidence(target.file, changed)) or not detached


def test_components_in_clear_stay_in_clear() -> None:
    whole_file = json.loads(made(within(CONTENT)))
    whole_file["header"] = {"etsiU": [{"sigTst": SIGNER.token(whole_file["signature"].encode())}]}
    octets = with_values(Target(file=json.dumps(whole_file).encode()), AUTHORITY)
    octets = archived(Target(file=octets))
    assert all(isinstance(one, dict) for one in json.loads(octets)["header"]["etsiU"])
    assert whole(evidence(octets))


@pytest.mark.req("TS119182-1:5.3.1-ONE-FORM")
def test_components_of_two_forms_are_not_added_to() -> None:
    whole_file = json.loads(with_values(Target(file=made(within(CONTENT))), AUTHORITY))
    whole_file["header"]["etsiU"].append({"xVals": []})
    with pytest.raises(Rejected, match="both in clear") as caught:
        with_values(Target(file=json.dumps(whole_file).encode()), AUTHORITY)
    assert caught.value.code == "jades.components"


def test_signatures_in_parallel_and_one_of_them_with_more() -> None:
    octets = parallel(parallel(made(within(CONTENT)), made(within(CONTENT))), made(within(CONTENT)))
    found = evidence(stamped(Target(file=octets, place=1)))
    assert whole(found)
    assert [one.level[-1] for one in found.signatures] == ["B", "T", "B"]
    for second in (made(within(b"other")), made(within(CONTENT), "compact")):
        with pytest.raises(Rejected) as caught:
            parallel(octets, second)
        assert caught.value.code == "jades.payload"


@pytest.mark.parametrize("serialization", ["compact", "flattened"])
def test_a_counter_signature(serialization: Serialization) -> None:
    octets = made(within(CONTENT))
    target = Target(file=octets)
    counter = made(beside(Octets(value_to_countersign(target))), serialization)
    found = evidence(with_counter_signature(target, counter))
    assert len(found.signatures) == 2
    assert whole(found)
    assert [one.parent is not None for one in found.signatures].count(True) == 1


def keys() -> dict[str, tuple[Any, str, str]]:
    p384, p521 = (ec.generate_private_key(curve()) for curve in (ec.SECP384R1, ec.SECP521R1))
    brainpool = ec.generate_private_key(ec.BrainpoolP256R1())
    private = rsa.generate_private_key(65537, 2048)
    return {
        "ECDSA_SHA384": (p384, "ES384", "sha384"),
        "ECDSA_SHA512": (p521, "ES512", "sha512"),
        "ECDSA_SHA256": (brainpool, "ESB256", "sha256"),
        "RSA_PKCS1_SHA256": (private, "RS256", "sha256"),
        "RSA_PSS_SHA384": (private, "PS384", "sha384"),
        "ED25519": (ed25519.Ed25519PrivateKey.generate(), "EdDSA", ""),
    }


def test_schemes_and_keys() -> None:
    octets = b""
    for scheme, (key, algorithm, hash_name) in keys().items():
        certificate = (
            x509.CertificateBuilder(
                named("s"), named("s"), key.public_key(), 9, WHEN, WHEN.replace(year=2036)
            )
            .sign(key, None if scheme == "ED25519" else hashes.SHA256())
            .public_bytes(Encoding.DER)
        )
        chosen: Any = {"sha256": hashes.SHA256(), "sha384": hashes.SHA384(), "sha512": hashes.SHA512()}.get(
            hash_name
        )

        def sign(octets: bytes, key: Any = key, chosen: Any = chosen, scheme: str = scheme) -> bytes:
            if scheme == "ED25519":
                return bytes(key.sign(octets))
            if scheme.startswith("ECDSA"):
                return bytes(key.sign(octets, ec.ECDSA(chosen)))
            mask = padding.PSS(padding.MGF1(chosen), chosen.digest_size)
            return bytes(key.sign(octets, mask if "PSS" in scheme else padding.PKCS1v15(), chosen))

        own = Options(scheme=scheme)
        for payload, detached in PAYLOADS.values():
            octets = made(payload, options=own, certificates=[certificate], sign=sign)
            assert whole(evidence(octets, detached)), scheme
        header = json.loads(base64.urlsafe_b64decode(json.loads(octets)["protected"] + "=="))
        assert header["alg"] == algorithm
        wrong = Options(scheme="ECDSA_SHA384" if scheme == "ECDSA_SHA512" else "ECDSA_SHA512")
        with pytest.raises(Rejected) as caught:
            prepare(within(CONTENT), [certificate], CLAIMS, wrong)
        assert caught.value.code == "signature.scheme"


def test_the_value_of_another_key_is_not_given_out() -> None:
    other = ec.generate_private_key(ec.SECP256R1())
    inside = within(CONTENT), within(b"clear", encoded=False)
    for payload in (*inside, beside(Octets(CONTENT)), by_hash(FILES)):
        with pytest.raises(Rejected, match="does not verify") as caught:
            made(payload, sign=lambda octets: other.sign(octets, ec.ECDSA(hashes.SHA256())))
        assert caught.value.code == "signature.own"
    with pytest.raises(Rejected, match="does not verify"):
        made(within(CONTENT), sign=lambda octets: by_key(octets + b" "))


# --- what is refused ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("content", [b"a.b", b"\n", "ü".encode()])
@pytest.mark.req("RFC7797:5.2-COMPACT")
def test_payloads_that_cannot_stand_in_the_compact_serialization(content: bytes) -> None:
    with pytest.raises(Rejected, match="cannot stand") as caught:
        made(within(content, encoded=False), "compact")
    assert caught.value.code == "jades.compact"
    assert whole(evidence(made(within(content, encoded=False))))


def test_what_cannot_be_signed() -> None:
    attempts: list[tuple[Callable[[], Payload], str]] = [
        (lambda: within(b"\xff", encoded=False), "jades.text"),
        (lambda: by_hash([Octets(b"a")]), "jades.names"),
        (lambda: by_uri([*FILES, FILES[0]]), "jades.names"),
        (lambda: by_uri([]), "jades.names"),
        (lambda: by_hash(FILES, "ripemd160"), "jades.hash"),
        (lambda: of_http([MESSAGE], ["absent"]), "jades.field"),
        (lambda: by_uri([Octets(b"a", "\ud800.txt")]), "jades.text"),
    ]
    for attempt, code in attempts:
        with pytest.raises(Rejected) as caught:
            prepare(attempt(), CERTIFICATES, CLAIMS, OPTIONS)
        assert caught.value.code == code
    with pytest.raises(Rejected, match="since 2025"):
        prepare(within(b"1"), CERTIFICATES, CLAIMS, replace(OPTIONS, older=True))
    with pytest.raises(Rejected, match="zone"):
        prepare(within(b"1"), CERTIFICATES, Claims(signing_time=WHEN.replace(tzinfo=None)), OPTIONS)
    with pytest.raises(Malformed):
        prepare(within(b"1"), [b"none"], CLAIMS, OPTIONS)
    with pytest.raises(Rejected, match="is not given"):
        prepare(within(b"1"), [], CLAIMS, OPTIONS)
    for policy in (
        PolicyReference(identifier="1.2"),
        PolicyReference(identifier="1.2", digest=b"1", digest_algorithm="sha256", specification="1.3"),
    ):
        with pytest.raises(Rejected) as caught:
            prepare(within(b"1"), CERTIFICATES, Claims(policy=policy), OPTIONS)
        assert caught.value.code == "jades.policy"
    with pytest.raises(Rejected, match="key's size"):
        made(within(CONTENT), sign=lambda _: b"no DER")


def test_what_nothing_is_added_to() -> None:
    compact = Target(file=made(within(CONTENT), "compact"))
    with pytest.raises(Rejected, match="compact JWS has no place"):
        with_values(compact, AUTHORITY)
    target = Target(file=made(within(CONTENT)))
    with pytest.raises(Rejected, match="none with the number 1"):
        data_to_stamp(replace(target, place=1))
    with pytest.raises(Rejected, match="No validation data"):
        with_values(target, ValidationData())
    with pytest.raises(Malformed):
        with_time_stamp(Target(file=b"no JWS"), b"")
    for kind in get_args(Kind):
        with pytest.raises(Rejected) as caught:
            with_time_stamp(target, token(b"something else"), kind)
        over_references = kind in {"sigRTst", "rfsTst"}
        assert caught.value.code == ("jades.references" if over_references else "adding.time-stamp"), kind
    right = token(data_to_stamp(target).octets())
    with pytest.raises(Rejected, match="token does not verify"):
        with_time_stamp(target, right[:-1] + bytes([right[-1] ^ 1]))
    elsewhere = Target(file=made(beside(FILES[0])))
    with pytest.raises(Rejected) as caught:
        data_to_stamp(elsewhere, "arcTst")
    assert caught.value.code == "jades.data"
    for counter in (made(beside(Octets(b"another value"))), made(beside(FILES[0]), "general")):
        with pytest.raises(Rejected) as caught:
            with_counter_signature(target, counter)
        assert caught.value.code == "jades.counter-signature"


# --- what others wrote --------------------------------------------------------------------------------------

ODD = [
    b'"x":10000000000000000000000.5',
    b'"x":1e400',
    b'"x":[1.0,{"y":-0,"y":0}]',
    b'"x":"\\ud800 \\u00e9 \xc3\xa9"',
    b' "x" : null ',
]


@pytest.mark.parametrize("odd", ODD)
@pytest.mark.parametrize("clear", [False, True])
def test_what_others_wrote_keeps_its_octets(odd: bytes, *, clear: bool) -> None:
    """What is added is put between: numbers that no program holds and halves of characters stay."""
    first = made(within(CONTENT))
    header = b'"header" : { "etsiU" : [ %b ] }' % (b'{"unknown":{%b}}' % odd if clear else b"")
    payload = b'"payload":' + json.dumps(json.loads(first)["payload"]).encode()
    files = [
        b"\xef\xbb\xbf\n" + first[:-1] + b" , " + odd + b" }\n",
        first[:-1] + b"," + header + b"}",
        b"{" + payload + b', "signatures" : [ ' + first[:-1] + b"," + odd + b"} ]}",
    ]
    for file in files:
        target = Target(file=file)
        if b'"y":0' in file:
            with pytest.raises(Rejected, match="more than once"):
                with_values(target, AUTHORITY)
            continue
        added = stamped(replace(target, file=with_values(target, AUTHORITY)))
        assert is_put_between(file, added)
        (signature,) = evidence(added).signatures
        assert signature.level == "JAdES-BASELINE-T"
        assert signature.certificates
    both = parallel(files[0], first)
    assert odd.strip() in both
    if b'"y":0' not in odd:
        assert [one.level for one in evidence(both).signatures] == ["JAdES-BASELINE-B"] * 2


def is_put_between(before: bytes, after: bytes) -> bool:
    """Whether a file is another one, with one piece put into it."""
    start = next((at for at, one in enumerate(before) if after[at] != one), len(before))
    return after.endswith(before[start:])


def test_a_header_to_which_nothing_can_be_added() -> None:
    first = made(within(CONTENT))[:-1]
    for header in (b'"header":null', b'"header":{"etsiU":{}}'):
        with pytest.raises(Rejected) as caught:
            with_values(Target(file=first + b"," + header + b"}"), AUTHORITY)
        assert caught.value.code == "jades.header"
    two = json.loads(parallel(made(within(CONTENT)), made(within(CONTENT))))
    two["signatures"].insert(0, {"no": "signature"})
    with pytest.raises(Rejected) as caught:
        with_values(Target(file=json.dumps(two).encode()), AUTHORITY)
    assert caught.value.code == "jades.place"
    with pytest.raises(Rejected, match="members beside"):
        parallel(made(within(CONTENT)), made(within(CONTENT), "general")[:-1] + b',"x":1}')


def test_only_a_digest_of_data_elsewhere_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "large"
    path.write_bytes(bytes(3_000_000))
    prepared = prepare(beside(Stored(path)), CERTIFICATES, CLAIMS, OPTIONS)
    assert len(prepared.encode()) < 10_000
    with pytest.raises(Rejected) as caught:
        _ = prepared.dtbs.octets
    assert caught.value.code == "data.absent"


def test_what_was_prepared_and_then_changed_is_not_completed() -> None:
    prepared = prepare(within(CONTENT), CERTIFICATES, CLAIMS, OPTIONS)
    value = by_key(prepared.dtbs.octets)
    with pytest.raises(Rejected, match="one of them was changed"):
        replace(prepared, payload=b"b3RoZXI").complete(value)
    with pytest.raises(Malformed):
        Prepared.decode(prepared.encode().replace(b'"octets"', b'"other"'))


@given(st.binary(max_size=200))
def test_payloads_are_read_as_they_were_given(content: bytes) -> None:
    prepared = prepare(within(content or b"1"), CERTIFICATES, CLAIMS, OPTIONS)
    octets = prepared.complete(by_key(prepared.header + b"." + prepared.payload))
    scope = evidence(octets).signatures[0].scopes[0]
    assert scope.data is not None
    assert scope.data.octets() == (content or b"1")
    assert prepared.dtbs.digest == hashlib.sha256(prepared.header + b"." + prepared.payload).digest()
