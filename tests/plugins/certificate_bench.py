"""Good certificates of every profile, and a bench on which they are spoiled, one rule at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.der.encode import tlv
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.lints import Finding, Surroundings, lint
from trustworks.issuance.model import NameAttribute, Template
from trustworks.issuance.profiles import PROFILES, tbs
from trustworks.issuance.rules.requests import complete_subject
from trustworks.issuance.service import new_serial

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PUBLIC_URL = "http://tsp.example.com"
SETTINGS = IssuanceSettings.model_validate(
    {
        "organization-identifier": "NTRXX-TEST-1",
        "pds": [{"language": "en", "url": "https://tsp.example.com/pds-en.pdf"}],
    }
)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
SUBJECTS = {
    "natural-qcp-n-qscd": {
        "countryName": "XX",
        "givenName": "Anna",
        "surname": "Muster",
        "serialNumber": "PNOXX-TEST-1",
        "commonName": "Anna Muster TEST",
    },
    "legal-qcp-l-qscd": {
        "countryName": "XX",
        "organizationName": "Muster TEST Ltd",
        "organizationIdentifier": "NTRXX-TEST-2",
        "commonName": "Muster TEST Seal",
    },
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A good certificate's parts, and ways to spoil them."""

    around: Surroundings
    builder: x509.CertificateBuilder
    key: ec.EllipticCurvePrivateKey

    def sign(self) -> bytes:
        return self.builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def rebuilt(self, **changes: Any) -> Bench:
        old = self.builder
        fields = {
            "issuer_name": old._issuer_name,
            "subject_name": old._subject_name,
            "public_key": old._public_key,
            "serial_number": old._serial_number,
            "not_valid_before": old._not_valid_before,
            "not_valid_after": old._not_valid_after,
            "extensions": list(old._extensions),
        }
        return replace(self, builder=x509.CertificateBuilder(**{**fields, **changes}))

    def without(self, kind: type[x509.ExtensionType]) -> Bench:
        kept = [one for one in self.builder._extensions if one.oid != kind.oid]
        return self.rebuilt(extensions=kept)

    def put(self, extension: x509.ExtensionType, *, critical: bool = False) -> Bench:
        kept = [one for one in self.builder._extensions if one.oid != extension.oid]
        added = x509.Extension(extension.oid, critical, extension)
        return self.rebuilt(extensions=[*kept, added])

    def flipped(self, oid: x509.ObjectIdentifier) -> Bench:
        """With the criticality of an extension turned round."""
        changed = [
            x509.Extension(one.oid, not one.critical, one.value) if one.oid == oid else one
            for one in self.builder._extensions
        ]
        return self.rebuilt(extensions=changed)

    def named(self, *attributes: tuple[x509.ObjectIdentifier, str]) -> Bench:
        """With another subject."""
        return self.rebuilt(subject_name=name(attributes))

    def surrounded(self, **changes: Any) -> Bench:
        """Judged against something else."""
        return replace(self, around=replace(self.around, **changes))


def name(attributes: Sequence[tuple[x509.ObjectIdentifier, str]]) -> x509.Name:
    return x509.Name([x509.NameAttribute(oid, value, _validate=False) for oid, value in attributes])


def elements(content: bytes) -> list[bytes]:
    """The elements of a constructed content, one after the other."""
    found = []
    while content:
        size, head = content[1], 2
        if size >= 0x80:
            head += size & 0x7F
            size = int.from_bytes(content[2:head], "big")
        found.append(content[: head + size])
        content = content[head + size :]
    return found


def content_of(element: bytes) -> bytes:
    return element[2 if element[1] < 0x80 else 2 + (element[1] & 0x7F) :]


def spoil_tbs(der: bytes, change: Callable[[list[bytes]], None]) -> bytes:
    """The certificate with the elements of its TBSCertificate changed, and the old signature."""
    outer = elements(content_of(der))
    inner = elements(content_of(outer[0]))
    change(inner)
    outer[0] = tlv(0x30, *inner)
    return tlv(0x30, *outer)


def _key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class Benches:
    """A small hierarchy of local keys; `[profile]` gives a bench with a good certificate of that profile."""

    def __init__(self) -> None:
        self._root_key, self._issuing_key, self._subject_key = _key(), _key(), _key()
        self.root = x509.load_der_x509_certificate(self._bench("root", self._root_key, None).sign())
        self.issuing = x509.load_der_x509_certificate(
            self._bench("sub-ca", self._root_key, self.root, self._issuing_key).sign()
        )

    def __getitem__(self, profile: str) -> Bench:
        match profile:
            case "root":
                return self._bench("root", self._root_key, None)
            case "sub-ca":
                return self._bench("sub-ca", self._root_key, self.root, self._issuing_key)
            case _:
                return self._bench(profile, self._issuing_key, self.issuing, self._subject_key)

    def _bench(
        self,
        profile_name: str,
        key: ec.EllipticCurvePrivateKey,
        issuer: x509.Certificate | None,
        subject_key: ec.EllipticCurvePrivateKey | None = None,
    ) -> Bench:
        profile = PROFILES[profile_name]
        given = SUBJECTS.get(profile_name, {"commonName": f"{profile_name} TEST"})
        provider: dict[str, str | None] = {
            "countryName": SETTINGS.country,
            "organizationName": SETTINGS.organization,
            "organizationIdentifier": SETTINGS.organization_identifier,
        }
        template = Template(
            profile=profile,
            subject=complete_subject(profile, [NameAttribute(*item) for item in given.items()], provider),
            alternative_names=("DNS:tsp.example.com",) if profile.alternative_names == "required" else (),
            spki=_spki(subject_key or key),
            serial=new_serial(),
            not_before=NOW,
            not_after=NOW + timedelta(days=profile.days, seconds=-1),
            semantics=profile.semantics is not None,
            issuer_certificate=None if issuer is None else issuer.public_bytes(Encoding.DER),
            authority=profile.authority,
            path_length=profile.path_length,
        )
        return Bench(
            around=Surroundings(
                profile=profile, issuer=issuer, settings=SETTINGS, public_url=PUBLIC_URL, lab=True
            ),
            builder=tbs.build(template, SETTINGS, PUBLIC_URL),
            key=key,
        )


def ids(findings: Sequence[Finding]) -> set[str]:
    return {finding.lint.id for finding in findings}


def found_by_lints(bench: Bench, der: bytes | None = None) -> set[str]:
    return ids(lint(der or bench.sign(), bench.around))
