"""Makes evidence graphs for the validation engine, node by node, over throw-away keys and certificates."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from trustworks.formats.collector import Collector, identified
from trustworks.formats.data import Octets
from trustworks.formats.evidence import (
    Algorithm,
    Attributes,
    CertificateReference,
    Evidence,
    EvidenceRecord,
    Format,
    Reference,
    ReferenceKind,
    Signature,
    TimeStamp,
    TimeStampKind,
    Where,
)
from trustworks.validation import Outcome, Poe, PoeOrigin, Trust
from trustworks.validation.policies.policy import Policy, parse
from trustworks.validation.rules.inputs import NOTHING, Extra
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from collections.abc import Iterable

NOW: Final = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY: Final = timedelta(days=1)
YEAR: Final = 365 * DAY
CONTENT: Final = b"what is signed"
# The weak one is there to be found weak.
HASHES: Final[dict[str, hashes.HashAlgorithm]] = {
    "sha1": hashes.SHA1(),  # noqa: S303
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
}


@cache
def key(name: str) -> ec.EllipticCurvePrivateKey:  # noqa: ARG001 - a key for each name
    return ec.generate_private_key(ec.SECP256R1())


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


@dataclass(frozen=True)
class Entity:
    """A certificate with its key's name, and who issued it."""

    name: str
    certificate: x509.Certificate
    issuer: Entity | None

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def id(self) -> str:
        return identified("C", self.der)


def entity(
    name: str,
    issuer: Entity | None = None,
    *,
    ca: bool = False,
    since: datetime = NOW - 2 * YEAR,
    until: datetime = NOW + 2 * YEAR,
    usage: Iterable[str] | None = None,
    purposes: Iterable[x509.ObjectIdentifier] = (),
    extensions: Iterable[x509.ExtensionType] = (),
    digest: str = "sha256",
    subject_name: str | None = None,
    path_length: int | None = None,
) -> Entity:
    """A certificate; `name` is that of the key, and of the subject if that has no other."""
    subject = _name(subject_name or name)
    signer = name if issuer is None else issuer.name
    wanted = set(("key_cert_sign", "crl_sign") if ca and usage is None else usage or ("content_commitment",))
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject if issuer is None else issuer.certificate.subject)
        .public_key(key(name).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=path_length), critical=True)
        .add_extension(_usage(wanted), critical=True)
    )
    if purposes:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(purposes)), critical=True)
    for one in extensions:
        builder = builder.add_extension(one, critical=False)
    certificate = builder.sign(key(signer), HASHES[digest], rsa_padding=None)  # type: ignore[arg-type]
    return Entity(name, certificate, issuer)


def _usage(wanted: set[str]) -> x509.KeyUsage:
    known = (
        "digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement",
        "key_cert_sign", "crl_sign", "encipher_only", "decipher_only",
    )  # fmt: skip
    return x509.KeyUsage(**{one: one in wanted for one in known})


def crl(
    issuer: Entity,
    at: datetime = NOW - timedelta(hours=1),
    *,
    revoked: Iterable[tuple[Entity, datetime, x509.ReasonFlags | None]] = (),
    lasts: timedelta | None = 2 * DAY,
    expired_since: datetime | None = None,
    scope: x509.IssuingDistributionPoint | None = None,
) -> bytes:
    """A revocation list of that moment."""
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.certificate.subject)
        .last_update(at)
        .next_update(at + (lasts or DAY))
    )
    if expired_since is not None:
        value = b"\x18\x0f" + expired_since.strftime("%Y%m%d%H%M%SZ").encode()
        oid = x509.ObjectIdentifier("2.5.29.60")
        builder = builder.add_extension(x509.UnrecognizedExtension(oid, value), critical=False)
    if scope is not None:
        builder = builder.add_extension(scope, critical=True)
    for one, when, reason in revoked:
        entry = (
            x509.RevokedCertificateBuilder()
            .serial_number(one.certificate.serial_number)
            .revocation_date(when)
        )
        if reason is not None:
            entry = entry.add_extension(x509.CRLReason(reason), critical=False)
        builder = builder.add_revoked_certificate(entry.build())
    return builder.sign(key(issuer.name), hashes.SHA256()).public_bytes(Encoding.DER)


def ocsp_answer(
    about: Entity,
    responder: Entity,
    at: datetime = NOW - timedelta(hours=1),
    *,
    revoked: datetime | None = None,
    reason: x509.ReasonFlags | None = None,
    lasts: timedelta | None = 2 * DAY,
    alone: bool = False,
    by_name: bool = False,
) -> bytes:
    """An OCSP answer of that moment; produced when the test runs.

    The responder's certificate is in it, unless it is `alone`. It names him by his key, or by his name.
    """
    assert about.issuer is not None
    status = ocsp.OCSPCertStatus.GOOD if revoked is None else ocsp.OCSPCertStatus.REVOKED
    encoding = ocsp.OCSPResponderEncoding.NAME if by_name else ocsp.OCSPResponderEncoding.HASH
    builder = (
        ocsp.OCSPResponseBuilder()
        .add_response(
            cert=about.certificate,
            issuer=about.issuer.certificate,
            algorithm=hashes.SHA1(),  # noqa: S303 - as responders do
            cert_status=status,
            this_update=at,
            next_update=None if lasts is None else at + lasts,
            revocation_time=revoked,
            revocation_reason=reason,
        )
        .responder_id(encoding, responder.certificate)
    )
    if not alone:
        builder = builder.certificates([responder.certificate])
    return builder.sign(key(responder.name), hashes.SHA256()).public_bytes(Encoding.DER)


@dataclass(frozen=True)
class House:
    """A root, an authority, a signer, a time-stamping unit and a responder, as most tests need them."""

    root: Entity
    ca: Entity
    signer: Entity
    tsa: Entity
    responder: Entity

    @property
    def trust(self) -> Trust:
        return Trust.of([self.root.der])


@cache
def house(since: datetime = NOW - 2 * YEAR, until: datetime = NOW + 2 * YEAR) -> House:
    """The house; `since` and `until` are the validity of the signer's certificate."""
    root = entity("root", ca=True, since=NOW - 20 * YEAR, until=NOW + 20 * YEAR)
    ca = entity("ca", root, ca=True, since=NOW - 10 * YEAR, until=NOW + 10 * YEAR)
    return House(
        root=root,
        ca=ca,
        signer=entity("signer", ca, since=since, until=until),
        tsa=entity(
            "tsa",
            root,
            since=NOW - 10 * YEAR,
            until=NOW + 10 * YEAR,
            usage=("digital_signature",),
            purposes=(ExtendedKeyUsageOID.TIME_STAMPING,),
        ),
        responder=entity(
            "responder",
            ca,
            since=NOW - 10 * YEAR,
            until=NOW + 10 * YEAR,
            usage=("digital_signature",),
            purposes=(ExtendedKeyUsageOID.OCSP_SIGNING,),
            extensions=(x509.OCSPNoCheck(),),
        ),
    )


class Graph:
    """An evidence graph as it grows; `run` validates it."""

    def __init__(self) -> None:
        self.collector = Collector()

    def certificates(self, *entities: Entity) -> Graph:
        for one in entities:
            self.collector.certificate(one.der, Where.CERTIFICATE_VALUES)
        return self

    def lists(self, *ders: bytes) -> tuple[str, ...]:
        return tuple(self.collector.revocation_list(der, Where.REVOCATION_VALUES) for der in ders)

    def answers(self, *ders: bytes) -> tuple[str, ...]:
        return tuple(self.collector.ocsp_answer(der, Where.REVOCATION_VALUES) for der in ders)

    def sign(self, signer: Entity, *, digest: str = "sha256", take: bool = True, **changes: Any) -> Signature:
        """A signature by an entity over `CONTENT`; `changes` are fields of the node."""
        signed = Octets(CONTENT + signer.name.encode() + repr(sorted(changes)).encode())
        value = key(signer.name).sign(signed.content, ec.ECDSA(HASHES[digest]))
        self.certificates(signer)
        named = hashlib.sha256(CONTENT).digest()
        claimed = min(NOW, signer.certificate.not_valid_after_utc) - DAY
        signature = Signature(
            id=identified("S", value),
            format=Format.CADES,
            level="CAdES-BASELINE-B",
            algorithm=Algorithm(name="ecdsa", scheme="ecdsa", digest=digest),
            value=value,
            signed=signed,
            references=(
                Reference(
                    kind=ReferenceKind.CONTENT,
                    name="content",
                    digest_algorithm=digest,
                    expected=named,
                    actual=named,
                    found=True,
                    intact=True,
                ),
            ),
            attributes=Attributes(signing_time=claimed, names=frozenset({"1.2.840.113549.1.9.4"})),
            signing_certificate=(
                CertificateReference(digest_algorithm="sha256", digest=hashlib.sha256(signer.der).digest()),
            ),
            key_info=(signer.id,),
        )
        signature = replace(signature, **changes)
        if take:
            self.collector.signature(signature)
        return signature

    def stamp(
        self,
        signature: Signature | None,
        time: datetime,
        tsa: Entity,
        *,
        kind: TimeStampKind = TimeStampKind.SIGNATURE,
        covers: Iterable[str] = (),
        intact: bool = True,
        digest: str = "sha256",
        **changes: Any,
    ) -> TimeStamp:
        """A time-stamp over a signature (and what it covers besides), attached to it."""
        own = self.sign(tsa, take=False, name=f"{kind} {time}")
        objects = frozenset({*covers, *(() if signature is None else (signature.id,))})
        value = hashlib.sha256(repr((kind, time, sorted(objects))).encode()).digest()
        stamp = TimeStamp(
            id=identified("T", value),
            kind=kind,
            der=value,
            time=time,
            imprint_algorithm=digest,
            references=(
                Reference(
                    kind=ReferenceKind.IMPRINT,
                    name=None,
                    digest_algorithm=digest,
                    expected=value,
                    actual=value if intact else b"",
                    found=True,
                    intact=intact,
                    covers=objects,
                ),
            ),
            signature=own,
            covers=objects,
            owner=None if signature is None else signature.id,
        )
        stamp = replace(stamp, **changes)
        self.collector.time_stamp(stamp)
        if signature is not None:
            known = next(one for one in self.collector.signatures if one.id == signature.id)
            self.collector.signature(replace(known, time_stamps=(*known.time_stamps, stamp.id)))
        return stamp

    def record(
        self, stamps: Iterable[TimeStamp], covers: Iterable[str], *, found: bool = True, intact: bool = True
    ) -> str:
        objects = frozenset(covers)
        record = EvidenceRecord(
            id=identified("E", repr(sorted(objects)).encode()),
            form="rfc4998",
            references=(
                Reference(
                    kind=ReferenceKind.ARCHIVE_OBJECT,
                    name="object",
                    digest_algorithm="sha256",
                    expected=b"1",
                    actual=b"1" if intact else b"2",
                    found=found,
                    intact=found and intact,
                ),
            ),
            time_stamps=tuple(one.id for one in stamps),
            covers=objects,
        )
        self.collector.evidence_record(record)
        return record.id

    @property
    def evidence(self) -> Evidence:
        return self.collector.evidence()

    def run(
        self, trust: Trust, *, at: datetime = NOW, policy: Policy | str | None = None, extra: Extra = NOTHING
    ) -> Outcome:
        """Validate; a policy as text goes on from the one that is the default."""
        if isinstance(policy, str):
            policy = parse(f'based-on = "ades"\nname = "test"\nidentifier = "urn:test"\n{policy}')
        return validate(self.evidence, at=at, trust=trust, policy=policy, extra=extra)


def proven(*objects: str, at: datetime) -> Extra:
    """Proofs of existence that are told by who asks."""
    return Extra(poes=tuple(Poe(object=one, time=at, origin=PoeOrigin.CLIENT) for one in objects))


def verdict(outcome: Outcome) -> str:
    """What came of the only signature, in one word."""
    (one,) = outcome.signatures
    return str(one.sub_indication or one.indication)


def at_hand(graph: Graph, of: House, *, revoked: tuple[Entity, ...] = (), when: timedelta = -YEAR) -> None:
    """Certificates of the house, with lists that are fresh now."""
    graph.certificates(of.ca, of.tsa)
    of_ca = [(one, NOW + when, None) for one in revoked if one.issuer == of.ca]
    of_root = [(one, NOW + when, None) for one in revoked if one.issuer == of.root]
    graph.lists(crl(of.ca, revoked=of_ca), crl(of.root, revoked=of_root))


def signed(of: House | None = None, **changes: Any) -> tuple[Graph, House, Signature]:
    found, graph = of or house(), Graph()
    signature = graph.sign(found.signer, **changes)
    return graph, found, signature


def suspended(graph: Graph, of: House, when: timedelta) -> None:
    graph.certificates(of.ca, of.tsa)
    graph.lists(
        crl(of.ca, revoked=[(of.signer, NOW + when, x509.ReasonFlags.certificate_hold)]), crl(of.root)
    )


FRESH = '[signature.signing-certificate]\nfreshness = { level = "fail", at-most = "24h" }'
