"""The devices that hold subjects' keys: recorded with applications; what follows when a product is lost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.keys import records as key_register
from trustworks.core.keys.model import places
from trustworks.core.pki.certificates import readable_pem_file
from trustworks.core.trace import implements
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.registration import attestation, device_records, products, records, rules
from trustworks.issuance.registration.desk import Desk, moved_on, new_id
from trustworks.issuance.registration.model import DeviceEvidence
from trustworks.issuance.revocation import Reception
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Iterator
    from datetime import date, datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import JSON
    from trustworks.issuance.registration.device_records import Concerned
    from trustworks.issuance.registration.model import Application, DeviceProduct, DeviceWay


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDevice:
    """What is said of the device that holds an application's key.

    `attestation` (PEM) is for the way of that name; the other four are what a handover says: the key
    (SHA-256 of its SubjectPublicKeyInfo), the device's number, who personalised it and what was signed for
    it, and the day. Of an own module nothing is said: its register of keys knows.
    """

    product: str
    way: DeviceWay
    attestation: bytes = b""
    key_id: str = ""
    serial_number: str = ""
    source: str = ""
    established_on: date | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductStanding:
    """A product, and the certificates that stand on it.

    `product` is None of one that the settings no longer name.
    """

    name: str
    product: DeviceProduct | None
    lost_on: date | None
    concerned: tuple[Concerned, ...]

    def has_ended(self, day: date) -> bool:
        """Whether its certification is over on a day, was lost, or nobody vouches for it any longer."""
        until = None if self.product is None else self.product.certified_until
        end = rules.certification_end(self.name, until, self.lost_on, day)
        return end is not None and end.ended


class Devices(Desk):
    """Records which device holds a key, and watches over the products' certification."""

    def record_device(self, identifier: str, given: NewDevice, *, by: str) -> DeviceEvidence:
        """Record the device that holds the key of an application; what was recorded last counts.

        Raises `Malformed` (the attestation), `Rejected` (registration.device, registration.attestation),
        `Refused` (TRUSTWORKS:DEVICE-*, the officer's own application).
        """
        check_actor(by)
        application = self._received(identifier, "a device is recorded")
        with self._database.read() as connection:
            product = rules.product_named(given.product, self._products(device_records.lost(connection)))
        rules.check_way(product, given.way)
        self._check_not_concerned("device", by, identifier, rules.concerned_by_all(application))
        now = self._clock.now().utc
        piece = self._shown(application, product, given, by=by, now=now)
        rules.check_key(piece.key_id, application)

        def action(connection: Connection) -> None:
            records.lock(connection, application)
            found = records.application(connection, identifier)
            if found is None or found.state != "received":
                raise moved_on(identifier)
            device_records.add(connection, identifier, piece)

        detail: dict[str, JSON] = {"device": piece.id, "product": product.name, "way": given.way}
        self._transact("device-recorded", identifier, action, by=by, now=now, detail=detail)
        return piece

    def _shown(
        self, application: Application, product: DeviceProduct, given: NewDevice, *, by: str, now: datetime
    ) -> DeviceEvidence:
        """What the device's maker, the provider's people or the register of keys show of it."""
        key_id, serial_number, source = given.key_id, given.serial_number, given.source
        day, chain = given.established_on, tuple[bytes, ...]()
        if given.way == "attestation":
            if product.attestation_roots is None:
                raise Malformed(f"{product.name} has no attestation-roots; name the maker's certificates.")
            roots = readable_pem_file(product.attestation_roots)
            found = attestation.verify(given.attestation, roots, at=now)
            rules.check_as_certified(product, found.firmware, found.marks, found.form_factor)
            key_id, serial_number, chain = found.key_id, found.serial_number, found.chain
            source = f"attestation up to {found.root}, firmware {found.firmware}, PIN {found.pin}"[:200]
            day = now.date()
        elif given.way == "own-module":
            key_id = application.key_id
            with self._database.read() as connection:
                state = key_register.state(connection, key_id)
                history = key_register.history_of(connection, key_id)
            tokens = places(history)
            rules.check_own_module(tokens.values(), product, state=None if state is None else state.value)
            serial_number = ", ".join(f"{label} ({serial})" for serial, label in sorted(tokens.items()))
            source, day = "register of keys", history[0].at.date()
        piece = DeviceEvidence(
            id=new_id(),
            product=product.name,
            way=given.way,
            key_id=key_id,
            serial_number=serial_number,
            source=source,
            established_on=day or now.date(),
            recorded_at=now,
            recorded_by=by,
            attestation=chain,
        )
        if given.way == "personalised":
            if day is None:
                raise Rejected("registration.device", "Give the day on which the device was handed over.")
            rules.check_handover(piece, now.date())
        return piece

    # The products

    def products(self) -> list[ProductStanding]:
        """All products, also lost ones and those that have left the settings, with what stands on each."""
        now = self._clock.now().utc
        with self._database.read() as connection:
            lost = device_records.lost(connection)
            counting = self._products(lost)
            return [
                ProductStanding(
                    name=name,
                    product=counting.get(name),
                    lost_on=lost.get(name),
                    concerned=tuple(device_records.concerned(connection, name, now)),
                )
                for name in products.known(connection, self.settings)
            ]

    @implements("EN319411-2:SDP-6.5.1-MONITORED", disabled=())
    def lose_product(self, name: str, *, on: date, why: str, by: str) -> tuple[Concerned, ...]:
        """Record that a product lost its certification, and answer the certificates that are concerned.

        Nothing is issued for its devices from that day on. One that was recorded before stays as it is. It
        need not be in the settings any longer.
        Raises `Rejected` (registration.device, registration.reason).
        """
        check_actor(by)
        rules.check_reason(why)
        now = self._clock.now().utc
        if on > now.date():
            raise Rejected("registration.device", f"{on} is still to come; record it on that day.")
        with self._database.read() as connection:
            lost = device_records.lost(connection)
            rules.check_known(name, products.known(connection, self.settings))
        if name not in lost:

            def action(connection: Connection) -> None:
                device_records.lose(connection, name, on=on, why=why, by=by, at=now)

            event = Event(
                type="registration.device-lost",
                outcome="success",
                actor=by,
                subject={"kind": "device-product", "id": name},
                detail={"lost_on": on.isoformat()},
                time=now,
            )
            self._recorder.transact(event, action)
        return tuple(self._concerned(name, now))

    def revoke_concerned(self, name: str, *, why: str, by: str) -> Iterator[str]:
        """Revoke the certificates of keys in devices of a lost product, and tell each one's serial when done.

        What they say of the device is true no longer (privilegeWithdrawn). It looks until nothing is left, so
        that what came meanwhile is revoked too; done again after a crash it goes on. Raises what
        `Issuance.revoke` does.
        """
        now = self._clock.now().utc
        with self._database.read() as connection:
            if name not in device_records.lost(connection):
                raise Rejected(
                    "registration.device",
                    f"It is not recorded that {name} lost its certification: trustworks registration device "
                    "lost.",
                )
        done: set[str] = set()
        while left := [one.serial for one in self._concerned(name, now) if one.serial not in done]:
            for serial in left:
                asked = Reception(kind="provider", requester=by, received_at=None, confirmed_how=why[:200])
                self._issuance.revoke(serial, RevocationReason.privilegeWithdrawn, by=by, asked=asked)
                done.add(serial)
                yield serial

    def _concerned(self, name: str, now: datetime) -> list[Concerned]:
        with self._database.read() as connection:
            return device_records.concerned(connection, name, now)
