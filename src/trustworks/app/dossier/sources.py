"""What runs here, for a dossier: identities, hierarchy, policies, documents, samples, keys, log, integrity.

Each part is a function of its own over what is open; what a configuration does not have is empty.
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.app.certificates import named
from trustworks.app.statements import records as statements
from trustworks.app.statements.model import WORDS, Document
from trustworks.assurance.changes import records as changes
from trustworks.assurance.changes.drafts import change_notice, incident_notice
from trustworks.assurance.dossier.model import (
    Draft,
    Key,
    OfferedDevice,
    Paper,
    PolicySet,
    Profile,
    Provider,
    Rank,
    Sample,
    ServiceIdentity,
)
from trustworks.assurance.statements.stating import statements as statements_of
from trustworks.assurance.traceability.table import as_json
from trustworks.core.audit import checkpoint, proofs
from trustworks.core.audit.search import newest
from trustworks.core.der.x509 import name_in_words
from trustworks.core.errors import Malformed, Rejected, TrustworksError
from trustworks.core.keys import records as keys
from trustworks.core.keys.model import places
from trustworks.core.pki.certificates import readable_pem_file
from trustworks.core.roles import list_operators
from trustworks.issuance import records
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.profiles.tbs import policy_identifiers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.app.wiring import Wiring
    from trustworks.app.wiring.assuring import EvidenceSources
    from trustworks.assurance.dossier.sealing import Sealer
    from trustworks.assurance.statements import Statement
    from trustworks.core.ports import Stamper
    from trustworks.issuance.model import AuthorityRecord
    from trustworks.issuance.model import Profile as CertificateProfile

_POINTS: Final = {
    Document.CPS: "13(a)",
    Document.TSA: "13(a)",
    Document.PDS: "13(b)",
    Document.TERMS: "13(c)",
}
# The kinds of certificates that may name a person.
_SAMPLE: Final = b'{"what": "a sample for a dossier"}\n'
_OF_PERSONS: Final = frozenset({"natural", "smime", "web", "device"})


def provider(wiring: Wiring) -> Provider:
    """Who it is about, and what made it."""
    issuance = wiring.config.issuance
    manifest = installation(wiring)
    return Provider(
        name=wiring.config.provider.name,
        identifier="" if issuance is None else issuance.organization_identifier or "",
        lab=wiring.lab,
        product=f"Trustworks {version('trustworks')}",
        build=_build(wiring, manifest),
        manifest="" if manifest is None else sha256(manifest).hexdigest(),
    )


def installation(wiring: Wiring) -> bytes | None:
    """The signed manifest of what is installed, where the configuration names one that can be read."""
    file = wiring.config.integrity.manifest
    if file is None:
        return None
    try:
        return file.read_bytes()
    except OSError:
        return None


def _build(wiring: Wiring, manifest: bytes | None) -> str:
    key = wiring.config.integrity.key
    if manifest is None or key is None:
        return ""
    from trustworks.assurance.integrity.manifest import verified  # noqa: PLC0415 - where there is one
    from trustworks.assurance.integrity.verification_key import read_verification_key  # noqa: PLC0415

    try:
        return verified(manifest, read_verification_key(key)).statement.build
    except TrustworksError:
        return ""


def identities(wiring: Wiring, connection: Connection) -> tuple[ServiceIdentity, ...]:
    """The authorities, and the certificates that the configuration names."""
    authorities = records.list_authorities(connection)
    issued_below = {one.parent for one in authorities}
    found = [
        _identity(
            one.name,
            "signs certificates and revocation lists",
            x509.load_der_x509_certificate(one.certificate),
            rank=_rank(one, has_below=one.name in issued_below),
            parent=one.parent,
        )
        for one in authorities
    ]
    subjects = {x509.load_der_x509_certificate(one.certificate).subject: one.name for one in authorities}
    for one in named(wiring.config):
        try:
            certificate = readable_pem_file(one.file)[0]
        except (TrustworksError, IndexError):
            continue
        found.append(
            _identity(
                one.label or one.setting,
                one.use,
                certificate,
                rank=Rank.END_ENTITY,
                parent=subjects.get(certificate.issuer),
            )
        )
    return tuple(found)


def _rank(one: AuthorityRecord, *, has_below: bool) -> Rank:
    if one.parent is None:
        return Rank.ROOT
    return Rank.INTERMEDIATE if has_below else Rank.ISSUING


def _identity(
    name: str, use: str, certificate: x509.Certificate, *, rank: Rank, parent: str | None
) -> ServiceIdentity:
    try:
        identifier = certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    except x509.ExtensionNotFound:
        identifier = x509.SubjectKeyIdentifier.from_public_key(certificate.public_key()).digest
    return ServiceIdentity(
        name=name,
        use=use,
        rank=rank,
        subject=name_in_words(certificate.subject),
        key_identifier=identifier.hex(),
        sha256=sha256(certificate.public_bytes(Encoding.DER)).hexdigest(),
        not_before=certificate.not_valid_before_utc,
        not_after=certificate.not_valid_after_utc,
        algorithm=certificate.signature_algorithm_oid._name,  # noqa: SLF001 - its one name in words
        pem=certificate.public_bytes(Encoding.PEM).decode(),
        parent=parent,
        spki_sha256=sha256(
            certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        ).hexdigest(),
    )


def policy_sets(wiring: Wiring, connection: Connection) -> tuple[PolicySet, ...]:
    """The profiles of certificates, by the authority that issues them."""
    settings = wiring.config.issuance
    if settings is None:
        return ()
    there = {one.name for one in records.list_authorities(connection)}
    found = []
    for name in PROFILES:
        profile = profile_named(name, settings.profile_versions)
        if profile.authority in there and not profile.ca:
            found.append(
                PolicySet(
                    authority=profile.authority,
                    profile=profile.name,
                    version=profile.version,
                    title=profile.title,
                    policies=policy_identifiers(profile, settings),
                    qualified=profile.qcs is not None,
                    purpose=_purpose(profile),
                    device=_device(profile),
                )
            )
    return tuple(found)


def _purpose(profile: CertificateProfile) -> str:
    if profile.web is not None:
        return "web site authentication"
    if profile.qcs is not None:
        return "electronic seals" if profile.kind == "legal" else "electronic signatures"
    return f"none of these: {profile.title}"


def _device(profile: CertificateProfile) -> str:
    return "in a qualified device, local or remote" if profile.qc_sscd else "no qualified device promised"


def papers(connection: Connection) -> tuple[Paper, ...]:
    """The statements in force, in every language."""
    found = []
    heads = {(one.document, one.language) for one in statements.listed(connection)}
    for document, language in sorted(heads):
        one = statements.newest(connection, document, language)
        if one is not None:
            found.append(
                Paper(
                    point=_POINTS[document],
                    kind=document.value,
                    title=f"{one.title} ({WORDS[document]})",
                    language=language,
                    version=str(one.number),
                    since=one.published_at,
                    sha256=one.sha256,
                    name=f"{document.value}-{language}.pdf",
                    content=one.pdf,
                )
            )
    return tuple(found)


def devices(wiring: Wiring) -> tuple[OfferedDevice, ...]:
    """The kinds of devices that subscribers may have their keys in."""
    settings = wiring.config.issuance
    if settings is None:
        return ()
    return tuple(
        OfferedDevice(
            product=one.product,
            kind=one.kind,
            certified_until=one.certified_until,
            reference=one.reference,
        )
        for one in settings.registration.devices
    )


def samples(
    wiring: Wiring,
    connection: Connection,
    *,
    stamper: Stamper | None = None,
    sealer: Sealer | None = None,
    profile: Profile,
) -> tuple[Sample, ...]:
    """The newest certificate of each profile, lists of each authority, a time-stamp, a seal and its report.

    Certificates of natural persons are left out where persons are to be told by pseudonyms.
    """
    found = list(_certificates(wiring, connection, profile))
    for authority in records.list_authorities(connection):
        published = records.last_crl(connection, authority.name)
        if published is not None:
            found.append(
                Sample(
                    what=f"revocation list of {authority.name}",
                    name=f"revocation-list-{authority.name}.crl",
                    content=published.der,
                    test=wiring.lab,
                )
            )
    if sealer is not None:
        found += _sealed_sample(wiring, sealer)
    if stamper is not None:
        token = stamper.stamp(sha256(b"Trustworks: a sample for a dossier").digest())
        found.append(Sample(what="time-stamp token", name="time-stamp.tst", content=token, test=True))
    return tuple(found)


def _sealed_sample(wiring: Wiring, sealer: Sealer) -> Iterator[Sample]:
    """A seal on a text, and the report of its validation as the service makes it."""
    from trustworks.formats.data import Octets  # noqa: PLC0415 - loads the formats
    from trustworks.validation.service import Validator, policy_of  # noqa: PLC0415 - as above

    seal = sealer.beside(_SAMPLE)
    yield Sample(what="the text that the sample seal is over", name="seal.json", content=_SAMPLE, test=True)
    yield Sample(what="seal (CAdES, B-LTA)", name="seal.json.p7s", content=seal, test=True)
    if wiring.config.validation is None:
        return
    validator = Validator(policy=policy_of("ades"), trust=wiring.validation_offer().trusted().trust)
    report = validator.validate(Octets(seal, "seal.json.p7s"), detached=[Octets(_SAMPLE, "manifest.json")])
    told = (json.dumps(report.plain(), indent=1, ensure_ascii=False) + "\n").encode()
    yield Sample(what="validation report", name="validation-report.json", content=told, test=True)
    etsi = report.etsi()
    yield Sample(
        what="validation report (TS 119 102-2)", name="validation-report.xml", content=etsi, test=True
    )


def _certificates(wiring: Wiring, connection: Connection, profile: Profile) -> Iterator[Sample]:
    for name, kind in PROFILES.items():
        if kind.kind in _OF_PERSONS and profile is not Profile.FULL:
            continue
        for one in records.list_certificates(connection, profile=name, state="issued", limit=1):
            if one.der is not None:
                certificate = x509.load_der_x509_certificate(one.der)
                yield Sample(
                    what=f"certificate of the profile {name}",
                    name=f"certificate-{name}.pem",
                    content=certificate.public_bytes(Encoding.PEM),
                    test=wiring.lab,
                )


def register_of_keys(connection: Connection) -> tuple[Key, ...]:
    """All keys that the register has, with the tokens on which they are."""
    return tuple(
        Key(
            token=", ".join(sorted(set(places(keys.history_of(connection, one.spki_sha256)).values())))
            or "none",
            label=one.label,
            algorithm=one.algorithm,
            state=one.state.value,
            sha256=one.spki_sha256,
        )
        for one in keys.keys_with(connection)
    )


def log(connection: Connection, *, named: bool = True) -> dict[str, Any] | None:
    """The newest checkpoint, and the proof that an event under it is in the log.

    Without `named` the event is one that no operator did: what the log says of it cannot be changed.
    """
    try:
        covering = proofs.newest_checkpoint(connection)
    except (Malformed, Rejected):
        return None
    found: dict[str, Any] = {"checkpoint": checkpoint.as_document(covering)}
    operators = set() if named else {one.name for one in list_operators(connection)}
    for event in newest(connection, limit=50, type_prefix="assurance." if named else ""):
        try:
            if event.value["actor"] in operators or (not named and event.type.startswith("roles.")):
                continue
            proof = proofs.prove_inclusion(connection, event.entry.stream, event.entry.sequence)
        except (Malformed, Rejected):
            continue
        found["proof"] = proof
        break
    return found


def drafts(wiring: Wiring, connection: Connection, now: datetime) -> tuple[Draft, ...]:
    """The drafts of notices about planned changes and about incidents."""
    name = wiring.config.provider.name
    planned = (
        Draft(name=f"change-{one.number}", text=change_notice(one, provider=name, now=now))
        for one in changes.all_changes(connection)
    )
    happened = (
        Draft(name=f"incident-{one.number}", text=incident_notice(one, provider=name, now=now))
        for one in changes.all_incidents(connection)
    )
    return (*planned, *happened)


def trace(running: EvidenceSources) -> dict[str, Any] | None:
    """The table of requirements, as live evidence has read it; None where the register is not installed."""
    try:
        found, _ = running.trace()
    except (TrustworksError, OSError):
        return None
    return as_json(found)


def clause_statements(running: EvidenceSources) -> tuple[Statement, ...]:
    """Clause by clause, what the software itself can say of the standards for trustworthy systems."""
    try:
        found, _ = running.trace()
        return statements_of(found)
    except (TrustworksError, OSError):
        return ()
