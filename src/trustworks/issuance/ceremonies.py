"""The ceremony of an authority: what becomes its certificate and its record, and who was quicker."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from sqlalchemy.exc import IntegrityError

from trustworks.core.errors import Rejected
from trustworks.issuance import records
from trustworks.issuance.begun import Order
from trustworks.issuance.model import AuthorityRecord, NameAttribute, NewAuthority, serial_hex
from trustworks.issuance.model.requests import Template
from trustworks.issuance.orders import new_serial
from trustworks.issuance.profiles import profile_named
from trustworks.issuance.profiles.tbs import read_authority
from trustworks.issuance.rules import requests as request_rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.orders import Orders
    from trustworks.issuance.release import Release


class AuthorityCeremony:
    """Creates authorities. `authority` answers by an authority's name."""

    def __init__(
        self,
        *,
        authority: Callable[[str], AuthorityRecord],
        orders: Orders,
        release: Release,
        clock: Clock,
        recorder: Recorder,
        database: Database,
    ) -> None:
        self._authority = authority
        self._orders = orders
        self._release = release
        self._clock = clock
        self._recorder = recorder
        self._database = database

    def create(self, new: NewAuthority, key: Key, *, by: str) -> AuthorityRecord:
        """A certificate for `key`, self-signed or signed by its parent's key, and its record.

        Raises `Rejected` (issuance.authority-exists, issuance.authority-key), `Refused` with a rule's or a
        lint's id, and `Unavailable`; there is no authority then.
        """
        self._recorder.ping()
        request_rules.check_actor(by)
        with self._database.read() as connection:
            if records.authority(connection, new.name) is not None:
                raise _authority_exists(new.name)
        now = self._clock.now().utc
        spki = self._orders.fit_key(key.public_key, now.date())
        self._orders.known((spki,)).check(spki)
        above = None if new.parent is None else self._authority(new.parent)
        issuer_end = None if above is None else read_authority(above.certificate).not_valid_after_utc
        profile = profile_named("root" if above is None else "sub-ca")
        first, last = request_rules.validity(profile, new.years * 36525 // 100, now, issuer_end)
        template = Template(
            profile=profile,
            subject=request_rules.complete_subject(
                profile, [NameAttribute("commonName", new.common_name)], self._orders.provider_attributes()
            ),
            alternative_names=(),
            spki=spki,
            serial=new_serial(),
            not_before=first,
            not_after=last,
            semantics=False,
            issuer_certificate=None if above is None else above.certificate,
            authority=new.name if above is None else above.name,
            path_length=profile.path_length if new.path_length is None else new.path_length,
        )
        made: list[AuthorityRecord] = []

        def add(connection: Connection, der: bytes) -> None:
            made.append(
                AuthorityRecord(
                    name=new.name,
                    certificate=der,
                    serial=serial_hex(template.serial),
                    spki_sha256=hashlib.sha256(spki).digest(),
                    token=new.token,
                    key_label=key.label,
                    parent=new.parent,
                    created_at=now,
                    crl_validity_hours=new.crl_validity_hours,
                    crl_every_hours=new.crl_every_hours,
                )
            )
            try:
                with connection.begin_nested():  # what it failed on is asked for in the same transaction
                    records.add_authority(connection, made[-1])
            except IntegrityError:
                raise _overtaken(connection, made[-1]) from None

        signer = key if above is None else self._orders.authority_key(above)
        self._release.release(Order(template=template, key=signer, by=by, also=add))
        return made[-1]


def _overtaken(connection: Connection, record: AuthorityRecord) -> Rejected:
    """Why an authority cannot be added although nothing spoke against it: another ceremony was quicker."""
    if records.authority(connection, record.name) is not None:
        return _authority_exists(record.name, "the certificate that was signed is not released")
    return Rejected(
        "issuance.authority-key",
        f"Another authority has the key {record.key_label!r} already; the certificate that was signed is not "
        "released. Make a new key.",
    )


def _authority_exists(name: str, outcome: str = "nothing was changed") -> Rejected:
    return Rejected("issuance.authority-exists", f"The authority {name!r} exists already; {outcome}.")
