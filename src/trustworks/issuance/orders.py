"""From requests to orders: the subject's key, its possession, the name; then time, authority and validity.

Steps 1 and 2 of the life of a certificate (README.md), for several requests at once. What is refused here has
reached no authority's key.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import TYPE_CHECKING, Final, NamedTuple

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from trustworks.core.errors import Unavailable
from trustworks.core.keys import records as key_records
from trustworks.core.keys.model import name_at
from trustworks.core.module.agreed import check_key_algorithm
from trustworks.core.module.algorithms import algorithm_of
from trustworks.core.module.states import KeyState
from trustworks.core.trace import implements
from trustworks.issuance import records
from trustworks.issuance.begun import Order
from trustworks.issuance.model import SERIAL_OCTETS, crl_shard
from trustworks.issuance.model.requests import Template
from trustworks.issuance.profiles.tbs import alternative_names, read_authority
from trustworks.issuance.release import objection_of
from trustworks.issuance.rules import keys as key_rules
from trustworks.issuance.rules import requests as request_rules
from trustworks.issuance.rules.declarations import check_declarations
from trustworks.issuance.rules.devices import check_device_is_shown, device_promised
from trustworks.issuance.rules.doors import check_door, check_provider_is_named
from trustworks.issuance.rules.key_quality import check_key_quality
from trustworks.issuance.rules.servers import check_server_common_name, check_server_names
from trustworks.issuance.wire import read_csr

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.keys.model import Succession
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.model import AuthorityRecord, NameAttribute, Profile
    from trustworks.issuance.model.requests import KeyProof, Request


# The authority that issues where nobody names another, and what its generations are recorded by.
ISSUING: Final = "issuing"
USE_OF_ISSUING: Final = f"authority/{ISSUING}"


def ended_by(following: str | None) -> str:
    """What is recorded in a plan's place of an authority that ended without one, be it followed or not."""
    return "end:nothing-valid" if following is None else f"end:followed-by-{following}"


@implements(
    "TRUSTWORKS:ROLLOVER-AUTHORITY-FOLLOWED", disabled=lambda authority, _generations, _moment: authority
)
def authority_at(authority: str, generations: Sequence[Succession], moment: datetime) -> str:
    """Who issues at a moment in the place of an authority that a profile names: the generation in use."""
    return name_at(generations, authority, moment) if authority == ISSUING else authority


def new_serial() -> int:
    """A serial number: 159 random bits, the highest of them set, so that all have the same length."""
    return secrets.randbits(SERIAL_OCTETS * 8 - 2) | 1 << (SERIAL_OCTETS * 8 - 2)


class Asked:
    """A request on its way to an order and a certificate; `failure` is what stands against it.

    `also` writes what belongs to the certificate in the transaction that records it.
    """

    __slots__ = (
        "also",
        "certificate",
        "chain",
        "csr",
        "failure",
        "now",
        "order",
        "profile",
        "request",
        "spki",
    )

    def __init__(
        self, profile: Profile, request: Request, also: Callable[[Connection, bytes], None] | None
    ) -> None:
        self.profile = profile
        self.request = request
        self.also = also
        self.failure: Exception | None = None
        self.csr: KeyProof
        self.now: datetime
        self.spki: bytes
        self.chain: tuple[bytes, ...]
        self.order: Order
        self.certificate: bytes


class Known(NamedTuple):
    """What is known of public keys, by their hashes: the authorities', certificates of lost ones, blocked.

    `listed` are those on imported lists, by themselves.
    `generations` are those of the authority that issues where nobody names another.
    """

    authorities: frozenset[bytes]
    lost: dict[bytes, str]
    blocked: frozenset[bytes]
    listed: dict[bytes, str]
    generations: tuple[Succession, ...] = ()

    def check(self, spki: bytes) -> None:
        """Refuse a key that is an authority's, was lost, or is known to be weak."""
        digest = hashlib.sha256(spki).digest()
        key_rules.check_key_is_separate(digest, self.authorities)
        key_rules.check_key_not_compromised(self.lost.get(digest))
        key_rules.check_key_not_blocked(digest, self.blocked)
        key_rules.check_key_not_listed(self.listed.get(spki))


class Orders:
    """Where requests become orders. Threads share it.

    `authority` and `keys` answer by an authority's name. `ask_domains` asks whether alternative names may be
    certified: it takes the request, its profile, the names and the time. `own_domains` are the provider's.
    """

    def __init__(
        self,
        settings: IssuanceSettings,
        *,
        authority: Callable[[str], AuthorityRecord],
        keys: Callable[[str], Key],
        clock: Clock,
        database: Database,
        lab: bool,
        ask_domains: Callable[[Request, Profile, Sequence[str], datetime], None],
        own_domains: frozenset[str],
    ) -> None:
        self._settings = settings
        self._own_domains = own_domains
        self._ask_domains = ask_domains
        self._authority = authority
        self._keys = keys
        self._clock = clock
        self._database = database
        self._lab = lab

    def take(self, asked: Sequence[Asked]) -> None:
        """Make the order of each, or say what stands against it; one that fails hinders no other."""
        _each(asked, self._read)
        read = [one for one in asked if one.failure is None]
        try:
            known = self.known([one.spki for one in read])
        except Exception as error:  # noqa: BLE001 - of the database: it is raised to all who asked
            for one in read:
                one.failure = error
            return
        _each(read, lambda one: known.check(one.spki))
        _each(read, lambda one: self._order(one, known.generations))

    def _read(self, asked: Asked, *, decided: bool = True) -> None:
        """1. The request, whether it may be issued now (`decided`), and whether its key is fit."""
        request_rules.check_not_a_ceremony(asked.profile)
        if decided:
            check_door(asked.profile, asked.request.door, lab=self._lab)
        check_declarations(asked.profile, asked.request.declarations)
        given = asked.request.csr
        asked.csr = csr = read_csr(given) if isinstance(given, bytes) else given
        asked.now = self._clock.now().utc
        request_rules.check_in_use(asked.profile, asked.now.date())
        key_rules.check_key_identifier(csr.key_algorithm)
        asked.spki = self.fit_key(csr.public_key(), asked.now.date())
        if decided:
            self._check_device(asked)

    def _check_device(self, asked: Asked) -> None:
        if device_promised(asked.profile) is None:
            return
        with self._database.read() as connection:
            state = key_records.state(connection, hashlib.sha256(asked.spki).hexdigest())
        own = state in {KeyState.PRE_OPERATIONAL, KeyState.OPERATIONAL}
        check_device_is_shown(asked.profile, asked.request.door, own=own, lab=self._lab)

    def check(self, asked: Asked) -> None:
        """Raise what stands against a request now, as far as no authority is needed to know it."""
        self._read(asked, decided=False)
        self.known([asked.spki]).check(asked.spki)
        self._complete(asked)

    def _complete(self, asked: Asked) -> tuple[tuple[NameAttribute, ...], tuple[str, ...]]:
        """The subject as the profile has it, and the names beside it."""
        request, profile = asked.request, asked.profile
        # Possession is looked at after the key: a signature by an unfit key shows none.
        key_rules.check_possession(asked.csr)
        provider = self.provider_attributes()
        check_provider_is_named(profile, request.subject, provider, lab=self._lab)
        subject = request_rules.complete_subject(profile, request.subject, provider)
        names = self._alternative_names(profile, request, asked.csr)
        check_server_names(profile, request.door, names, self._own_domains, lab=self._lab)
        check_server_common_name(profile, subject, names, lab=self._lab)
        return subject, names

    def _order(self, asked: Asked, generations: Sequence[Succession]) -> None:
        request, profile = asked.request, asked.profile
        subject, names = self._complete(asked)
        self._ask_domains(request, profile, names, asked.now)
        # 2. The authority, and a validity within its own.
        default = authority_at(profile.authority, generations, asked.now)
        authority = self._authority(request.authority or default)
        request_rules.check_authority_for(profile, authority.parent)
        asked.chain = self.chain(authority)
        issuer = read_authority(authority.certificate)
        first, last = request_rules.validity(profile, request.days, asked.now, issuer.not_valid_after_utc)
        serial = new_serial()
        template = Template(
            profile=profile,
            subject=subject,
            alternative_names=names,
            spki=asked.spki,
            serial=serial,
            not_before=max(first, issuer.not_valid_before_utc),
            not_after=last,
            semantics=request.semantics,
            issuer_certificate=authority.certificate,
            authority=authority.name,
            path_length=profile.path_length,
            crl_shard=self._shard(profile, authority.name, serial),
            declarations=request.declarations,
        )
        asked.order = Order(
            template=template,
            key=self.authority_key(authority),
            by=request.requested_by,
            also=asked.also,
            chain=asked.chain,
        )

    def _shard(self, profile: Profile, authority: str, serial: int) -> int | None:
        """Which list the certificate names; None: the one of all certificates, or none."""
        if authority != "issuing" or not profile.crl_link:  # other authorities have one list
            return None
        return crl_shard(serial, self._settings.issuing.crl_shards)

    # Parts, which ceremonies use too

    def fit_key(self, given: object, day: date) -> bytes:
        """The SubjectPublicKeyInfo of a key that is agreed and well made."""
        key = key_rules.key_of_known_kind(given)
        algorithm = algorithm_of(key)
        key_rules.check_agreed_key(objection_of(lambda: check_key_algorithm(algorithm, day, lab=self._lab)))
        check_key_quality(key)
        return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def known(self, keys: Sequence[bytes]) -> Known:
        """What the database knows of these public keys; asked again where it counts."""
        digests = [hashlib.sha256(spki).digest() for spki in keys]
        if not digests:
            return Known(frozenset(), {}, frozenset(), {})
        with self._database.read() as connection:
            return Known(
                records.authority_keys(connection, digests),
                records.compromised_keys(connection, digests),
                records.blocked_keys(connection, digests),
                records.listed_keys(connection, keys),
                tuple(key_records.successions(connection, USE_OF_ISSUING)),
            )

    def provider_attributes(self) -> dict[str, str | None]:
        """What the configuration gives to subjects."""
        return {
            "countryName": self._settings.country,
            "organizationName": self._settings.organization,
            "organizationIdentifier": self._settings.organization_identifier,
        }

    def authority_key(self, authority: AuthorityRecord) -> Key:
        """The authority's key; `Unavailable` (issuance.key-differs) when the token has another one."""
        key = self._keys(authority.name)
        if key.spki_sha256 != authority.spki_sha256:
            raise Unavailable(
                "issuance.key-differs",
                f"The key {key.label!r} on the token is not the key of the authority {authority.name!r}'s "
                f"certificate. Correct [tokens] {authority.name}; `trustworks module keys` lists keys.",
            )
        return key

    def chain(self, authority: AuthorityRecord) -> tuple[bytes, ...]:
        """The certificates of the authority and those above it, without the root."""
        found = []
        while authority.parent is not None:
            found.append(authority.certificate)
            authority = self._authority(authority.parent)
        return tuple(found)

    def _alternative_names(self, profile: Profile, request: Request, csr: KeyProof) -> tuple[str, ...]:
        names = request.alternative_names
        if not names and "subjectAltName" in profile.honours:
            names = csr.alternative_names()
        request_rules.check_alternative_names(profile, names)
        alternative_names(names)  # what cannot be written is told before anybody decides on it
        return names


def _each(asked: Sequence[Asked], step: Callable[[Asked], None]) -> None:
    """Take each a step further against which nothing stands."""
    for one in asked:
        if one.failure is None:
            try:
                step(one)
            except Exception as error:  # noqa: BLE001 - it is raised to who asked for this one
                one.failure = error
