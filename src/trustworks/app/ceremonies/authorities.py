"""Steps that are issuance's: making an authority, publishing its list, certifying a service's key."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any, Protocol

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.last_copies import loss_check
from trustworks.core.ceremony.executor import Action, Facts
from trustworks.core.durable import put_new
from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.module.requests import certification_request

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from trustworks.app.wiring import Wiring
    from trustworks.core.audit import Recorder
    from trustworks.core.ceremony import steps
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.service import Issuance


class Desk(Protocol):
    """What these steps work with; `Room` is one."""

    by: str
    wiring: Wiring
    database: Database
    recorder: Recorder
    clock: Clock

    @property
    def base(self) -> Path:
        """The folder that files of the plan are meant from."""

    def module(self, token: str) -> Module:
        """The module, open on that token."""

    def issuance(self) -> Issuance:
        """The certification authorities."""


def certificate_facts(der: bytes) -> Facts:
    """What a transcript tells of a certificate; the certificate itself, too."""
    found = x509.load_der_x509_certificate(der)
    return {
        "subject": found.subject.rfc4514_string(),
        "issuer": found.issuer.rfc4514_string(),
        "serial": f"{found.serial_number:x}",
        "not_before": found.not_valid_before_utc.isoformat(),
        "not_after": found.not_valid_after_utc.isoformat(),
        "signature_algorithm": found.signature_algorithm_oid._name,  # noqa: SLF001 - its one name in words
        "certificate": base64.b64encode(der).decode(),
    }


class MakingAuthority(Action):
    """make-authority."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def prepare(self, step: steps.MakeAuthority) -> Facts:
        """Look for the authority above it, and for the key."""
        if step.parent is not None:
            self._desk.issuance().authority(step.parent)
        key = self._desk.module(step.token).key(step.label)
        return {"authority": step.authority, "spki_sha256": key.spki_sha256.hex()}

    def look(self, step: steps.MakeAuthority, prepared: Facts) -> Facts | None:
        """The authority, where it is there over the key that was meant."""
        from trustworks.issuance import records  # noqa: PLC0415 - few plans make an authority

        with self._desk.database.read() as connection:
            found = records.authority(connection, step.authority)
        if found is None or found.spki_sha256.hex() != prepared["spki_sha256"]:
            return None
        return {**prepared, **certificate_facts(found.certificate)}

    def perform(self, step: steps.MakeAuthority, prepared: Facts) -> Facts:
        """Make it."""
        from trustworks.issuance.model import NewAuthority  # noqa: PLC0415 - as above

        made = self._desk.issuance().create_authority(
            NewAuthority(
                name=step.authority,
                common_name=step.common_name,
                years=step.years,
                token=step.token,
                parent=step.parent,
                path_length=step.path_length,
                crl_validity_hours=step.crl_validity_hours,
                crl_every_hours=step.crl_every_hours,
            ),
            self._desk.module(step.token).key(step.label),
            by=self._desk.by,
        )
        return {**prepared, **certificate_facts(made.certificate)}


class PublishingList(Action):
    """publish-crl: after an interruption once more, which only makes a list of a higher number."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def perform(self, step: steps.PublishList, prepared: Facts) -> Facts:
        """Publish the list."""
        from trustworks.issuance.status.crl import CrlPublisher  # noqa: PLC0415 - loads the service

        del prepared
        desk = self._desk
        token, label = desk.wiring.authority_place(desk.database, step.authority)
        publisher = CrlPublisher(
            desk.wiring.issuance_settings,
            public_url=desk.wiring.public_url,
            database=desk.database,
            recorder=desk.recorder,
            clock=desk.clock,
            keys={step.authority: desk.module(token).key(label)},
        )
        try:
            done = publisher.publish(step.authority, actor=desk.by)
        except Rejected as error:
            if error.code != "crl.superseded":
                raise
            # Services that run publish a new authority's first list by themselves: then the next one.
            done = publisher.publish(step.authority, actor=desk.by)
        return {
            "authority": step.authority,
            "number": done.number,
            "entries": done.entries,
            "this_update": done.this_update.isoformat(),
            "next_update": done.next_update.isoformat(),
        }


class CertifyingKey(Action):
    """certify-key."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def prepare(self, step: steps.CertifyKey) -> Facts:
        """Look for the key, and that nothing is in the place of the certificate."""
        if step.file is not None and (self._desk.base / step.file).exists():
            raise Rejected("output.exists", f"{step.file} exists already; plan a file that does not.")
        key = self._desk.module(step.token).key(step.label)
        return {"label": step.label, "profile": step.profile, "spki_sha256": key.spki_sha256.hex()}

    def look(self, step: steps.CertifyKey, prepared: Facts) -> Facts | None:
        """The certificate, where the key has one of this profile; its file is written then."""
        from trustworks.issuance import records  # noqa: PLC0415 - few plans certify a key

        with self._desk.database.read() as connection:
            for serial in records.serials_of_key(connection, bytes.fromhex(prepared["spki_sha256"])):
                found = records.certificate(connection, serial)
                if found is not None and found.profile == step.profile and found.der is not None:
                    return self._written(step, prepared, found.der)
        return None

    def perform(self, step: steps.CertifyKey, prepared: Facts) -> Facts:
        """Issue it, and write its file."""
        from trustworks.issuance.model import NameAttribute  # noqa: PLC0415 - as above
        from trustworks.issuance.model.requests import Door, Request  # noqa: PLC0415 - as above

        issued = self._desk.issuance().issue(
            Request(
                profile=step.profile,
                csr=certification_request(self._desk.module(step.token).key(step.label)),
                subject=(NameAttribute("commonName", step.common_name),),
                requested_by=self._desk.by,
                door=Door.PROVIDER,
                authority=step.authority,
            )
        )
        return self._written(step, prepared, issued.certificate)

    def _written(self, step: steps.CertifyKey, prepared: Facts, der: bytes) -> Facts:
        facts: Facts = {**prepared, **certificate_facts(der)}
        if step.file is None:
            return facts
        file = self._desk.base / step.file
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            put_new(file, (pem,))
        except FileExistsError:
            if file.read_bytes() != pem:
                raise Rejected("output.exists", f"{file} holds something else; move it away.") from None
        except OSError as error:
            raise Unavailable(
                "output.unwritable", f"{file} cannot be written: {error.strerror}. Make its folder."
            ) from None
        return facts | {"file": step.file}


class DestroyingLast(Action):
    """destroy-key and destroy-backup: not of an authority's key before its last list and answers are there.

    `action` is what destroys.
    """

    def __init__(self, desk: Desk, action: Action) -> None:
        self._desk = desk
        self._action = action

    def prepare(self, step: Any) -> Facts:
        """As without, and look whether the key is needed still."""
        prepared = self._action.prepare(step)
        self._check(step, prepared)
        return prepared

    def look(self, step: Any, prepared: Facts) -> Facts | None:
        """As without."""
        return self._action.look(step, prepared)

    def perform(self, step: Any, prepared: Facts) -> Facts:
        """As without, and look again: a step that was begun may wait for months until it is gone on with."""
        self._check(step, prepared)
        return self._action.perform(step, prepared)

    def _check(self, step: Any, prepared: Facts) -> None:
        token = self._desk.module(step.token).token_uri.serial if step.kind == "destroy-key" else None
        with self._desk.database.read() as connection:
            loss_check(self._desk.wiring.config)(
                connection, prepared["spki_sha256"], token=token, backup=prepared.get("backup")
            )


def issuance_actions(desk: Desk, others: Mapping[str, Action]) -> dict[str, Action]:
    """The actions of this file, by the kind of step; `others` are those that destroy, among others."""
    return {
        **{kind: DestroyingLast(desk, others[kind]) for kind in ("destroy-key", "destroy-backup")},
        "make-authority": MakingAuthority(desk),
        "publish-crl": PublishingList(desk),
        "certify-key": CertifyingKey(desk),
    }
