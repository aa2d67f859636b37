"""What is attested of a release: in-toto statements in DSSE envelopes, verified with a public key alone.

One statement tells where all files come from (provenance, as SLSA 1.0 writes it), and one for each
distribution that it is published (as PEP 740 writes it). The release workflow of a hosting service adds what
only that can: the signature of an identity that the service vouches for, in a public log.

Source: in-toto Attestation Framework 1.0; DSSE 1.0; SLSA 1.0, Provenance; PEP 740.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Any, Final

from cryptography.exceptions import InvalidSignature

from trustworks.core.audit.canonical import JSON, canonical
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.module.algorithms import check_signature
from trustworks.core.roles.jws import algorithm_for, key_id_of
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Mapping

    from trustworks.core.module.algorithms import PublicKey
    from trustworks.core.roles.jws import Signer

PAYLOAD_TYPE: Final = "application/vnd.in-toto+json"
STATEMENT: Final = "https://in-toto.io/Statement/v1"
PROVENANCE: Final = "https://slsa.dev/provenance/v1"
PUBLISH: Final = "https://docs.pypi.org/attestations/publish/v1"
BUILD_TYPE: Final = (
    "urn:trustworks:build:hatchling:1"  # two builds of a wheel, as `nox -s release` makes them
)
DISTRIBUTIONS: Final = (".whl", ".tar.gz")  # what an index of packages takes
MOST_STATEMENTS: Final = 100


def provenance(*, version: str, commit: str, epoch: int, lock_sha256: str, builder: str) -> dict[str, JSON]:
    """Where a release comes from: the commit, what is locked, and who built it."""
    return {
        "buildDefinition": {
            "buildType": BUILD_TYPE,
            "externalParameters": {"version": version},
            "internalParameters": {"SOURCE_DATE_EPOCH": epoch},
            "resolvedDependencies": [
                {"name": "source", "digest": {"gitCommit": commit}},
                {"name": "uv.lock", "digest": {"sha256": lock_sha256}},
            ],
        },
        "runDetails": {"builder": {"id": builder}},
    }


def attest(
    subjects: Mapping[str, str], predicate_type: str, predicate: Mapping[str, JSON] | None, signer: Signer
) -> bytes:
    """One statement about files (SHA-256 by name), signed: a DSSE envelope as one line of JSON."""
    statement = canonical(
        {
            "_type": STATEMENT,
            "subject": [
                {"name": name, "digest": {"sha256": digest}} for name, digest in sorted(subjects.items())
            ],
            "predicateType": predicate_type,
            "predicate": predicate,
        }
    )
    _, scheme = algorithm_for(signer.public_key)
    envelope = canonical(
        {
            "payloadType": PAYLOAD_TYPE,
            "payload": base64.b64encode(statement).decode(),
            "signatures": [
                {
                    "keyid": signer.key_id,
                    "sig": base64.b64encode(signer.sign(signed_octets(statement), scheme)).decode(),
                }
            ],
        }
    )
    opened(envelope, signer.public_key)  # nothing leaves that does not verify
    return envelope + b"\n"


def signed_octets(payload: bytes) -> bytes:
    """What a DSSE envelope's signature is over: type and payload, each with its length."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def opened(envelope: bytes, key: PublicKey) -> dict[str, Any]:
    """The statement of an envelope that the key signed.

    Raises `Malformed` for what is none, `Rejected` (attestation.signature) for what the key did not sign.
    """
    try:
        document = json.loads(envelope)
        payload = base64.b64decode(document["payload"], validate=True)
        signatures = [
            base64.b64decode(one["sig"], validate=True)
            for one in document["signatures"]
            if one.get("keyid", key_id_of(key)) == key_id_of(key)
        ]
        kind = document["payloadType"]
    except (ValueError, KeyError, TypeError, AttributeError, binascii.Error, RecursionError):
        raise Malformed("This is no DSSE envelope.") from None
    if kind != PAYLOAD_TYPE:
        raise Malformed(f"The envelope holds {kind!a:.60}, and no in-toto statement.")
    check_signed(payload, signatures, key)
    statement = json.loads(payload)  # it was signed, as JSON
    if not isinstance(statement, dict) or statement.get("_type") != STATEMENT:
        raise Malformed("The envelope holds no in-toto statement of version 1.")
    return statement


@implements("TRUSTWORKS:ASSURANCE-RELEASE-ATTESTED", disabled=None)
def check_signed(payload: bytes, signatures: list[bytes], key: PublicKey) -> None:
    """Refuse a statement that the key did not sign. Raises `Rejected` (attestation.signature)."""
    _, scheme = algorithm_for(key)
    for signature in signatures:
        try:
            check_signature(key, scheme.name, signature, signed_octets(payload))
        except (InvalidSignature, ValueError):
            continue
        return
    raise Rejected(
        "attestation.signature",
        "The attestation was not signed by this key, or was changed since. Get it anew from who released.",
    )


def check_files(content: bytes, key: PublicKey, files: Mapping[str, str]) -> list[dict[str, Any]]:
    """The statements about these files (SHA-256 by name), all signed by the key.

    Each file has to be in that which tells where all come from, and in no other with another content. Raises
    `Malformed`, and `Rejected` (attestation.signature, attestation.subject).
    """
    lines = content.splitlines()
    if not lines or len(lines) > MOST_STATEMENTS:
        raise Malformed("This is no file of attestations: one envelope stands on each line.")
    found = [opened(line, key) for line in lines]
    subjects = [(statement.get("predicateType"), _subjects(statement)) for statement in found]
    for name, digest in files.items():
        about = [named for kind, named in subjects if kind == PROVENANCE or name in named]
        check_subject([one.get(name) for one in about], name, digest)
    return found


def _subjects(statement: Mapping[str, Any]) -> dict[str, str]:
    try:
        return {one["name"]: one["digest"]["sha256"] for one in statement["subject"]}
    except (KeyError, TypeError):
        raise Malformed("A statement names no subjects by SHA-256.") from None


@implements("TRUSTWORKS:ASSURANCE-RELEASE-ATTESTED", disabled=None)
def check_subject(attested: list[str | None], name: str, digest: str) -> None:
    """Refuse a file unless all statements that have to be about it are. Raises `Rejected`.

    `attested` is what each of them says is its SHA-256; None where one does not name it.
    """
    if not attested or set(attested) != {digest}:
        named = any(one is not None for one in attested)
        why = "has another content than was attested" if named else "is not among the attested files"
        raise Rejected("attestation.subject", f"{name} {why}. Do not install it; get the release anew.")
