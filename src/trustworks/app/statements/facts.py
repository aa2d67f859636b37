"""What statements are drawn from: the configuration, and the authorities that there are."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, get_args

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from trustworks.app.configuration.laboratory import is_software
from trustworks.core.errors import TrustworksError
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.roles.rules.quorum import DEFAULTS
from trustworks.issuance import records
from trustworks.issuance.config.acme import AcmeProfile
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.rules.keys import key_of_known_kind
from trustworks.issuance.status.states import delta_of, hours_of, shards_of

if TYPE_CHECKING:
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config
    from trustworks.core.roles.model import QuorumPolicy
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import Profile

SERVICES = frozenset(
    {"root", "sub-ca", "tsu", "ocsp-signer", "audit-signer", "cmp-server", "list-signer", "tls-server"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authority:
    """A certification authority, and how its lists are published."""

    name: str
    common_name: str
    key: str
    since: datetime
    until: datetime
    sha256: str
    certificate_url: str
    crl_url: str
    crl_validity_hours: float
    crl_every_hours: float
    crl_shards: int
    crl_delta: bool
    is_root: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A profile of certificates that this configuration lets be issued."""

    profile: Profile
    policies: tuple[str, ...]
    lasts: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """A time-stamping unit as its certificate shows it; what of it cannot be read is empty."""

    name: str
    key: str
    until: datetime | None
    sha256: str
    qualified: bool
    policies: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """All that the templates are given. `config` is whole: templates print what is for everybody."""

    config: Config
    authorities: tuple[Authority, ...]
    offers: tuple[Offer, ...]
    units: tuple[Unit, ...]
    quorums: tuple[QuorumPolicy, ...]
    is_software: bool
    public_url: str

    @property
    def qualified(self) -> tuple[Offer, ...]:
        """The profiles of qualified certificates."""
        return tuple(one for one in self.offers if one.profile.qc_type is not None)

    @property
    def suspensible(self) -> tuple[Offer, ...]:
        """The profiles whose certificates may be held."""
        return tuple(one for one in self.offers if one.profile.suspension and not one.profile.short_term)


def gather(config: Config, connection: Connection) -> Facts:
    """What there is to state, as of now."""
    issuance = config.issuance
    url = config.http.public_url.rstrip("/")
    return Facts(
        config=config,
        authorities=() if issuance is None else _authorities(issuance, url, connection),
        offers=() if issuance is None else _offers(issuance),
        units=_units(config),
        quorums=tuple(
            config.roles.quorum_for(kind)
            for kind in sorted({*DEFAULTS, *(one.kind for one in config.roles.quorum)})
            if kind
        ),
        is_software=is_software(config.provider, config.module),
        public_url=url,
    )


def _authorities(settings: IssuanceSettings, url: str, connection: Connection) -> tuple[Authority, ...]:
    found = []
    for record in records.list_authorities(connection):
        certificate = x509.load_der_x509_certificate(record.certificate)
        hours = hours_of(settings, record)
        found.append(
            Authority(
                name=record.name,
                common_name=_common_name(certificate),
                key=_key_of(certificate),
                since=certificate.not_valid_before_utc,
                until=certificate.not_valid_after_utc,
                sha256=hashlib.sha256(record.certificate).hexdigest(),
                certificate_url=f"{url}/certs/{record.name}.cer",
                crl_url=f"{url}/crl/{record.name}.crl",
                crl_validity_hours=hours.validity,
                crl_every_hours=hours.every,
                crl_shards=shards_of(settings, record.name),
                crl_delta=delta_of(settings, record.name),
                is_root=record.parent is None,
            )
        )
    return tuple(found)


def _common_name(certificate: x509.Certificate) -> str:
    found = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(found[0].value) if found else certificate.subject.rfc4514_string()


def _key_of(certificate: x509.Certificate) -> str:
    try:
        return algorithm_of(key_of_known_kind(certificate.public_key())).value
    except TrustworksError:
        return "of an unknown kind"


def _offers(settings: IssuanceSettings) -> tuple[Offer, ...]:
    return tuple(
        Offer(
            profile=profile,
            policies=profile.policy_identifiers(settings.policy_arc),
            lasts=f"{profile.hours} hours" if profile.hours else f"{profile.max_days} days",
        )
        for profile in (profile_named(name, settings.profile_versions) for name in PROFILES)
        if profile.kind not in SERVICES and _can_be_issued(profile, settings)
    )


def _can_be_issued(profile: Profile, settings: IssuanceSettings) -> bool:
    """Whether the configuration has what certificates of a profile need."""
    if profile.qc_type is not None and not settings.pds:
        return False
    if profile.name in get_args(AcmeProfile):
        return settings.acme is not None and profile.name in settings.acme.profiles
    return settings.caa is not None or not profile.caa


def _units(config: Config) -> tuple[Unit, ...]:
    if config.timestamping is None:
        return ()
    from trustworks.timestamping.unit import key_usage_period, read_files  # noqa: PLC0415 - where it is configured

    found = []
    for unit in config.timestamping.units:
        try:
            certificate, _ = read_files(unit)
        except TrustworksError:
            certificate = None
        key, until, digest = "", None, ""
        if certificate is not None:
            key = _key_of(certificate)
            _, end = key_usage_period(certificate, unit.key_expires)
            until = min(one for one in (end, certificate.not_valid_after_utc) if one is not None)
            digest = hashlib.sha256(certificate.public_bytes(Encoding.DER)).hexdigest()
        found.append(
            Unit(
                name=unit.name,
                key=key,
                until=until,
                sha256=digest,
                qualified=unit.qualified,
                policies=unit.policies or config.timestamping.policies,
            )
        )
    return tuple(found)
