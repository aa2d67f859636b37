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
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Weight
from trustworks.formats.jades.creating import (
    Claims,
    Policy,
    Prepared,
    parallel,
    prepare,
    signing_input,
    to_be_stamped,
    value_to_countersign,
    with_counter_signature,
    with_time_stamp,
    with_validation_data,
)
from trustworks.formats.jades.creating.payloads import Payload, beside, by_hash, by_uri, of_http, within
from trustworks.formats.jades.creating.signing import Serialization
from trustworks.formats.read import read

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence

WHEN = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
CONTENT = b'{"title": "Hello"}'
SIGNER = Signer(issuer="CA")
CLAIMS = Claims(
    scheme="ECDSA_SHA256", certificate=SIGNER.certificate, time=WHEN, chain=(SIGNER.authority.ca,)
)
FILES = (Octets(b"first", "a.txt"), Octets(b"second", "folder/b.txt"))
MESSAGE = Octets(b"POST /a HTTP/1.1\r\nHost: example.org\r\nX-Note: Hello\r\n\r\n", "message")


def by_key(octets: bytes) -> bytes:
    return SIGNER.key.sign(octets, ec.ECDSA(hashes.SHA256()))


def made(
    payload: Payload,
    claims: Claims = CLAIMS,
    serialization: Serialization = "flattened",
    sign: Callable[[bytes], bytes] = by_key,
) -> bytes:
    prepared = prepare(claims, payload)
    again = Prepared.decode(prepared.encode())
    assert again == prepared
    over = signing_input(prepared.header, payload)
    if prepared.hash_name:
        assert prepared.digest == over.digest(prepared.hash_name)
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
    claims = Claims(
        scheme="ECDSA_SHA256",
        certificate=SIGNER.certificate,
        time=when,
        older=older,
        type="jose",
        content_type="json",
    )
    found = evidence(made(within(CONTENT), claims, serialization))
    (signature,) = found.signatures
    assert whole(found)
    assert (signature.level, signature.attributes.signing_time) == ("JAdES-BASELINE-B", when)
    assert (signature.attributes.mime_type, signature.attributes.content_type) == ("jose", "json")
    assert signature.scopes[0].data is not None
    assert signature.scopes[0].data.octets() == CONTENT


def test_all_that_a_signer_says() -> None:
    policy = Policy(
        identifier="urn:oid:1.2.3", hash_name="sha512", digest=b"\1" * 64, uri="https://a.example/p"
    )
    claims = Claims(
        scheme="ECDSA_SHA256",
        certificate=SIGNER.certificate,
        time=WHEN,
        reference_hash="sha512",
        place={"addressCountry": "ZZ", "addressLocality": "Town"},
        commitments=("http://uri.etsi.org/01903/v1.2.2#ProofOfOrigin",),
        roles=("director",),
        policy=policy,
        content_time_stamps=(token(base64.urlsafe_b64encode(CONTENT).rstrip(b"=")),),
    )
    found = evidence(made(within(CONTENT), claims))
    assert whole(found)
    attributes = found.signatures[0].attributes
    assert attributes.location == {"addressCountry": "ZZ", "addressLocality": "Town"}
    assert attributes.commitments == claims.commitments
    assert attributes.claimed_roles == ("director",)
    assert attributes.policy is not None
    assert (attributes.policy.identifier, attributes.policy.digest) == ("1.2.3", policy.digest)
    assert (attributes.policy.digest_algorithm, attributes.policy.uri) == ("sha512", policy.uri)
    assert found.signatures[0].signing_certificate[0].digest_algorithm == "sha512"
    assert len(found.time_stamps) == 1


def token(over: bytes) -> bytes:
    """A time-stamp token over octets."""
    return base64.b64decode(SIGNER.token(over)["tstTokens"][0]["val"])


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
    octets = made(payload)
    levels = []
    revocation = SIGNER.revocation_list("CA")
    for step in (
        lambda octets: octets,
        lambda octets: with_time_stamp(
            octets, "sigTst", token(to_be_stamped(octets, "sigTst", payload.stamped).octets())
        ),
        lambda octets: with_validation_data(
            octets, certificates=[SIGNER.authority.ca], revocation_lists=[revocation]
        ),
        lambda octets: with_time_stamp(
            octets, "arcTst", token(to_be_stamped(octets, "arcTst", payload.stamped).octets())
        ),
        lambda octets: with_validation_data(
            octets, certificates=[SIGNER.authority.certificate], of_time_stamps=True
        ),
        lambda octets: with_time_stamp(
            octets, "arcTst", token(to_be_stamped(octets, "arcTst", payload.stamped).octets())
        ),
    ):
        octets = step(octets)
        found = evidence(octets, detached)
        assert whole(found)
        levels.append(found.signatures[0].level.removeprefix("JAdES-BASELINE-"))
    assert levels == ["B", "T", "LT", "LTA", "LTA", "LTA"]
    assert not whole(evidence(octets, [Octets(b"changed", one.name) for one in detached])) or not detached


def test_components_in_clear_stay_in_clear() -> None:
    payload = within(CONTENT)
    whole_file = json.loads(made(payload))
    whole_file["header"] = {"etsiU": [{"sigTst": SIGNER.token(whole_file["signature"].encode())}]}
    octets = with_validation_data(json.dumps(whole_file).encode(), certificates=[SIGNER.authority.ca])
    octets = with_time_stamp(
        octets, "arcTst", token(to_be_stamped(octets, "arcTst", payload.stamped).octets())
    )
    assert all(isinstance(one, dict) for one in json.loads(octets)["header"]["etsiU"])
    assert whole(evidence(octets))


@pytest.mark.req("TS119182-1:5.3.1-ONE-FORM")
def test_components_of_two_forms_are_not_added_to() -> None:
    whole_file = json.loads(with_validation_data(made(within(CONTENT)), certificates=[SIGNER.certificate]))
    whole_file["header"]["etsiU"].append({"xVals": []})
    with pytest.raises(Rejected, match="both in clear") as caught:
        with_validation_data(json.dumps(whole_file).encode(), certificates=[SIGNER.certificate])
    assert caught.value.code == "jades.components"


def test_signatures_in_parallel_and_one_of_them_with_more() -> None:
    octets = parallel(parallel(made(within(CONTENT)), made(within(CONTENT))), made(within(CONTENT)))
    stamped = with_time_stamp(
        octets, "sigTst", token(to_be_stamped(octets, "sigTst", Octets(b""), place=1).octets()), place=1
    )
    found = evidence(stamped)
    assert whole(found)
    assert [one.level[-1] for one in found.signatures] == ["B", "T", "B"]
    for second in (made(within(b"other")), made(within(CONTENT), serialization="compact")):
        with pytest.raises(Rejected) as caught:
            parallel(octets, second)
        assert caught.value.code == "jades.payload"


@pytest.mark.parametrize("serialization", ["compact", "flattened"])
def test_a_counter_signature(serialization: Serialization) -> None:
    octets = made(within(CONTENT))
    counter = made(beside(Octets(value_to_countersign(octets))), serialization=serialization)
    found = evidence(with_counter_signature(octets, counter))
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

        claims = Claims(scheme=scheme, certificate=certificate, time=WHEN)
        octets = made(within(CONTENT), claims, sign=sign)
        assert whole(evidence(octets)), scheme
        header = json.loads(base64.urlsafe_b64decode(json.loads(octets)["protected"] + "=="))
        assert header["alg"] == algorithm
        wrong = "RSA_PSS_SHA256" if scheme.startswith("ECDSA") else "ECDSA_SHA512"
        with pytest.raises(Rejected) as caught:
            prepare(
                Claims(
                    scheme="ECDSA_SHA384"
                    if scheme == "ECDSA_SHA512"
                    else "ECDSA_SHA512"
                    if scheme.startswith("ECDSA")
                    else wrong,
                    certificate=certificate,
                    time=WHEN,
                ),
                within(CONTENT),
            )
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
        made(within(content, encoded=False), serialization="compact")
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
    ]
    for attempt, code in attempts:
        with pytest.raises(Rejected) as caught:
            prepare(CLAIMS, attempt())
        assert caught.value.code == code
    with pytest.raises(Rejected, match="since 2025"):
        prepare(replace(CLAIMS, older=True), within(b"1"))
    with pytest.raises(Rejected, match="zone"):
        prepare(replace(CLAIMS, time=WHEN.replace(tzinfo=None)), within(b"1"))
    with pytest.raises(Malformed):
        prepare(Claims(scheme="ECDSA_SHA256", certificate=b"none", time=WHEN), within(b"1"))
    with pytest.raises(Rejected, match="key's size"):
        made(within(CONTENT), sign=lambda _: b"no DER")


def test_what_nothing_is_added_to() -> None:
    compact = made(within(CONTENT), serialization="compact")
    with pytest.raises(Rejected, match="compact JWS has no place"):
        with_validation_data(compact, certificates=[SIGNER.certificate])
    with pytest.raises(Rejected, match="none with the number 1"):
        to_be_stamped(made(within(CONTENT)), "sigTst", Octets(b""), place=1)
    with pytest.raises(Malformed):
        with_time_stamp(b"no JWS", "sigTst", b"")


@given(st.binary(max_size=200))
def test_payloads_are_read_as_they_were_given(content: bytes) -> None:
    prepared = prepare(CLAIMS, within(content or b"1"))
    octets = prepared.complete(by_key(prepared.header + b"." + prepared.payload))
    scope = evidence(octets).signatures[0].scopes[0]
    assert scope.data is not None
    assert scope.data.octets() == (content or b"1")
    assert prepared.digest == hashlib.sha256(prepared.header + b"." + prepared.payload).digest()
