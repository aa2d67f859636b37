"""Good certificates of every profile, and a bench on which they are spoiled, one rule at a time."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_der_public_key

from trustworks.core.der.encode import tlv
from trustworks.issuance.config import IssuanceSettings
from trustworks.issuance.lints import Finding, Surroundings, lint
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Declarations, PaymentServices, Template
from trustworks.issuance.orders import new_serial
from trustworks.issuance.profiles import PROFILES, profile_named, tbs
from trustworks.issuance.rules.requests import complete_subject

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.issuance.model import Profile

PUBLIC_URL = "http://tsp.example.com"
SETTINGS = IssuanceSettings.model_validate(
    {
        "organization-identifier": "NTRXX-TEST-1",
        "pds": [{"language": "en", "url": "https://tsp.example.com/pds-en.pdf"}],
    }
)
NOW = datetime(2026, 11, 24, 12, 0, 0, tzinfo=UTC)
NATURAL = {
    "countryName": "XX",
    "givenName": "Anna",
    "surname": "Muster",
    "serialNumber": "PNOXX-TEST-1",
    "commonName": "Anna Muster TEST",
}
LEGAL = {
    "countryName": "XX",
    "organizationName": "Muster TEST Ltd",
    "organizationIdentifier": "NTRXX-TEST-2",
    "commonName": "Muster TEST Seal",
}
EV = {
    "countryName": "XX",
    "localityName": "Sampleton",
    "organizationName": "Muster TEST Ltd",
    "businessCategory": "Private Organization",
    "jurisdictionCountryName": "XX",
    "serialNumber": "TEST-2",
    "organizationIdentifier": "NTRXX-TEST-2",
}
PSD2_ID = "PSDXX-NCA-TEST2"
SERVER = "www.muster.example.com"
SUBJECTS = {
    **{name: NATURAL for name, one in PROFILES.items() if one.kind == "natural"},
    **{name: LEGAL for name, one in PROFILES.items() if one.kind == "legal" and not one.from_provider},
    "qevcp-w": EV,
    "psd2-qwac": {**EV, "organizationIdentifier": PSD2_ID},
    "psd2-qseal": {**LEGAL, "organizationIdentifier": PSD2_ID},
    "qncp-w-ov": {
        "countryName": "XX",
        "localityName": "Sampleton",
        "organizationName": "Muster TEST Ltd",
        "organizationIdentifier": "NTRXX-TEST-2",
    },
    "qncp-w-iv": {
        "countryName": "XX",
        "localityName": "Sampleton",
        "surname": "Muster TEST",
        "givenName": "Anna",
    },
    "qncp-w-gen-legal": {**LEGAL, "commonName": SERVER},
    "qwac-binding": {**LEGAL, "commonName": SERVER},
    "qncp-w-gen-natural": {**NATURAL, "commonName": SERVER, "surname": "Muster TEST"},
    "smime-mailbox": {"commonName": "anna@muster.example.com"},
    "smime-organization": {
        "organizationName": "Muster TEST Ltd",
        "organizationIdentifier": "NTRXX-TEST-2",
        "commonName": "Muster TEST Ltd",
    },
    "smime-sponsored": {
        "organizationName": "Muster TEST Ltd",
        "organizationIdentifier": "NTRXX-TEST-2",
        "givenName": "Anna",
        "surname": "Muster",
        "commonName": "Anna Muster TEST",
    },
    "smime-individual": {"givenName": "Anna", "surname": "Muster", "commonName": "Anna Muster TEST"},
}
NAMES = {"DNS": f"DNS:{SERVER}", "email": "email:anna@muster.example.com"}
PAYMENT_SERVICES = PaymentServices(
    roles=("PSP_AS", "PSP_PI"), authority_name="Supervisor TEST", authority="XX-NCA"
)


def names_of(profile: Profile) -> tuple[str, ...]:
    """Alternative names that the profile wants."""
    if profile.alternative_names == "absent":
        return ()
    return tuple(NAMES[kind] for kind in profile.name_kinds if kind in NAMES)


def declarations_of(profile: Profile) -> Declarations:
    """What the profile wants to be declared."""
    return Declarations(payment_services=PAYMENT_SERVICES if profile.psd2 else None)


def last_second(profile: Profile) -> datetime:
    """The end of a validity that begins now."""
    lifetime = timedelta(days=profile.days) if profile.hours is None else timedelta(hours=profile.hours)
    return NOW + lifetime - timedelta(seconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A good certificate's parts, and ways to spoil them."""

    around: Surroundings
    builder: x509.CertificateBuilder
    key: ec.EllipticCurvePrivateKey

    def sign(self) -> bytes:
        return self.builder.sign(self.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def tbs(self) -> bytes:
        return x509.load_der_x509_certificate(self.sign()).tbs_certificate_bytes

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


def built(template: Template) -> x509.CertificateBuilder:
    """The template's fields and extensions in the builder of `cryptography`, which encodes them by itself."""
    subject, above = tbs.distinguished_name(template.subject), template.issuer_certificate
    key: Any = load_der_public_key(template.spki)
    builder = x509.CertificateBuilder(
        issuer_name=subject if above is None else x509.load_der_x509_certificate(above).subject,
        subject_name=subject,
        public_key=key,
        serial_number=template.serial,
        not_valid_before=template.not_before,
        not_valid_after=template.not_after,
    )
    for extension, critical in tbs.extensions(template, SETTINGS, PUBLIC_URL):
        builder = builder.add_extension(extension, critical=critical)
    return builder


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
        """The bench of a profile, by its name or name/version."""
        match profile.partition("/")[0]:
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
        profile = profile_named(profile_name)
        named = {"commonName": f"{profile.name} TEST"} if profile.attributes else {}
        given = SUBJECTS.get(profile.name, named)
        provider: dict[str, str | None] = {
            "countryName": SETTINGS.country,
            "organizationName": SETTINGS.organization,
            "organizationIdentifier": SETTINGS.organization_identifier,
        }
        template = Template(
            profile=profile,
            subject=complete_subject(profile, [NameAttribute(*item) for item in given.items()], provider),
            alternative_names=names_of(profile),
            spki=_spki(subject_key or key),
            serial=new_serial(),
            not_before=NOW,
            not_after=last_second(profile),
            semantics=profile.semantics is not None,
            issuer_certificate=None if issuer is None else issuer.public_bytes(Encoding.DER),
            authority=profile.authority,
            path_length=profile.path_length,
            declarations=declarations_of(profile),
        )
        return Bench(
            around=Surroundings(
                profile=profile, issuer=issuer, settings=SETTINGS, public_url=PUBLIC_URL, lab=True
            ),
            builder=built(template),
            key=key,
        )


def ids(findings: Sequence[Finding]) -> set[str]:
    return {finding.lint.id for finding in findings}


def found_by_lints(bench: Bench, der: bytes | None = None) -> set[str]:
    return ids(lint(der or bench.sign(), bench.around))
