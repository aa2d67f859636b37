"""OpenSSL judges paths too: NIST's suite with lists and policies, and paths made at random here."""

from __future__ import annotations

import json
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from ssl import DER_cert_to_PEM_cert
from typing import Any, Final

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from foreign_pki import NOW, Entity, path_of

from trustworks.core.der.encode import SEQUENCE, oid, tlv
from trustworks.core.pki.path_verdict import PathSettings
from trustworks.core.pki.validation import validate_path

pytestmark = pytest.mark.interop

SUITE: Final = Path(__file__).parents[3] / "shared" / "corpus" / "pkits"
ANY_POLICY: Final = "2.5.29.32.0"

# Where OpenSSL says otherwise than NIST, and why.
KNOWN: Final = {
    "40105": "OpenSSL has no inheritance of DSA parameters",
    "41430": "OpenSSL takes no list that tells of its own signer",
}


def verify(
    folder: Path,
    leaf: bytes,
    others: list[bytes],
    anchor: bytes,
    lists: list[bytes],
    *arguments: str,
    at: datetime,
) -> bool:
    """Whether `openssl verify` accepts."""
    (folder / "anchor.pem").write_bytes(anchor)
    (folder / "leaf.pem").write_bytes(leaf)
    (folder / "others.pem").write_bytes(b"".join(others) or anchor)
    (folder / "lists.pem").write_bytes(b"".join(lists))
    command = ["openssl", "verify", "-attime", str(int(at.timestamp())), "-auth_level", "0", "-policy_check"]
    command += ["-CAfile", str(folder / "anchor.pem"), "-untrusted", str(folder / "others.pem"), *arguments]
    if lists:
        command += ["-CRLfile", str(folder / "lists.pem"), "-crl_check_all", "-extended_crl", "-use_deltas"]
    done = subprocess.run([*command, str(folder / "leaf.pem")], capture_output=True, check=False)
    assert b"Could not" not in done.stderr, done.stderr
    return done.returncode == 0


def policy_arguments(settings: PathSettings) -> list[str]:
    wanted = settings.user_initial_policies
    found = [part for oid in sorted(wanted or {ANY_POLICY}) for part in ("-policy", oid)]
    found += ["-explicit_policy"] * settings.explicit_policy
    found += ["-inhibit_map"] * settings.inhibit_policy_mapping
    return [*found, *["-inhibit_any"] * settings.inhibit_any_policy]


@pytest.mark.skipif(not SUITE.is_dir(), reason=f"NOT TESTED, because {SUITE} is absent")
def test_openssl_agrees_about_nists_suite(tmp_path: Path) -> None:
    """Ours agrees with all of it (tests/conformance/pkits): here is that the suite is run as it is meant."""

    def certificate(file: str) -> bytes:
        # The library reads not all of them.
        return DER_cert_to_PEM_cert((SUITE / "certs" / file).read_bytes()).encode()

    def revocation_list(file: str) -> bytes:
        return x509.load_der_x509_crl((SUITE / "crls" / file).read_bytes()).public_bytes(Encoding.PEM)

    differing = set()
    for case in json.loads((SUITE / "pkits.json").read_text()):
        given = case.get("params", {})
        initial = given.get("user_initial_policy_set")
        settings = PathSettings(
            user_initial_policies=None if initial is None else frozenset(initial),
            explicit_policy=given.get("initial_explicit_policy", False),
            inhibit_policy_mapping=given.get("initial_policy_mapping_inhibit", False),
            inhibit_any_policy=given.get("initial_any_policy_inhibit", False),
        )
        accepted = verify(
            tmp_path,
            certificate(case["cert"]),
            [certificate(file) for file in case.get("other_certs", ())],
            certificate("TrustAnchorRootCertificate.crt"),
            [revocation_list(file) for file in ("TrustAnchorRootCRL.crl", *case.get("crls", ()))],
            *policy_arguments(settings),
            at=datetime(2022, 1, 1, tzinfo=UTC),
        )
        if accepted != ("error" not in case):
            differing.add(case["id"])
    assert differing == set(KNOWN)


POLICIES: Final = ("1.3.9999.1", "1.3.9999.2", ANY_POLICY)
HOSTS: Final = ("example.org", "a.example.org", "b.a.example.org", "example.com")


def extensions(random: Random, *, ca: bool) -> list[tuple[x509.ExtensionType, bool]]:
    """Some that restrict the path, at random."""
    found: list[tuple[x509.ExtensionType, bool]] = []
    policies = random.sample(POLICIES, random.choice((0, 1, 1, 2, 3)))
    if policies:
        infos = [x509.PolicyInformation(x509.ObjectIdentifier(one), None) for one in policies]
        found.append((x509.CertificatePolicies(infos), False))
    if not ca:
        found.append((x509.SubjectAlternativeName([x509.DNSName(random.choice(HOSTS))]), False))
        return found
    if random.random() < 0.3:
        inside, outside = ([x509.DNSName(random.choice(HOSTS))] for _ in range(2))
        either: Any = random.choice(((inside, None), (None, outside), (inside, outside)))
        found.append((x509.NameConstraints(*either), True))
    # OpenSSL 3.0 maps out of a CA's anyPolicy also where that is inhibited, against RFC 5280, 6.1.4 (b).
    if random.random() < 0.3 and ANY_POLICY not in policies:
        pairs = [random.sample(POLICIES[:2], 2) for _ in range(random.choice((1, 2)))]
        mapped = tlv(SEQUENCE, *(tlv(SEQUENCE, *map(oid, pair)) for pair in pairs))
        found.append((x509.UnrecognizedExtension(x509.ObjectIdentifier("2.5.29.33"), mapped), True))
    if random.random() < 0.3:
        found.append((x509.PolicyConstraints(random.choice((0, 1, 2)), random.choice((None, 0, 1))), True))
    if random.random() < 0.2:
        found.append((x509.InhibitAnyPolicy(random.choice((0, 1))), True))
    return found


def chain(random: Random) -> list[Entity]:
    """An end entity, CAs above it, and an anchor; some CAs issued to themselves, with another key."""
    entities = [Entity("root")]
    length = random.choice((1, 1, 2, 3))
    for number in range(length + 1):
        above, key = entities[-1], ec.generate_private_key(ec.SECP256R1())
        ca = number < length
        name: Any = above.name if 0 < number < length and random.random() < 0.15 else f"entity {number}"
        # By these OpenSSL tells a key that was renewed from one that signed itself.
        keys: list[tuple[x509.ExtensionType, bool]] = [
            (x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False),
            (x509.AuthorityKeyIdentifier.from_issuer_public_key(above.key.public_key()), False),
        ]
        given = {"ca": ca, "path_length": random.choice((None, None, None, 0, 1, 2)) if ca else None}
        entities.append(Entity(name, above, key=key, extensions=[*keys, *extensions(random, ca=ca)], **given))
    return entities[::-1]


@pytest.mark.parametrize("seed", range(2))
def test_openssl_agrees_about_paths_at_random(tmp_path: Path, seed: int) -> None:
    random = Random(seed)  # noqa: S311 - shapes, not secrets
    outcomes = set()
    for _ in range(40):
        entities = chain(random)
        settings = PathSettings(
            user_initial_policies=random.choice(
                (None, None, frozenset(POLICIES[:1]), frozenset(POLICIES[:2]))
            ),
            explicit_policy=random.random() < 0.3,
            inhibit_any_policy=random.random() < 0.1,
        )
        ours = validate_path(path_of(*entities), at=NOW, settings=settings)
        leaf, *others, anchor = (one.x509.public_bytes(Encoding.PEM) for one in entities)
        theirs = verify(tmp_path, leaf, others, anchor, [], *policy_arguments(settings), at=NOW)
        assert theirs == ours.ok, ([one.sentence for one in ours.failures], settings, b"".join(others))
        outcomes.add(theirs)
    assert outcomes == {True, False}
