"""The register of trustworthy products: every change is a new version with its audit event.

Who writes is named in each call (`by`); who may, the commands and pages have asked before.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from trustworks.assurance import records
from trustworks.assurance.model import (
    Binding,
    Certificate,
    Check,
    Confirmation,
    ConfirmationKind,
    Document,
    Headcount,
    Product,
    ProviderPaper,
    SourceKind,
    Transfer,
)
from trustworks.assurance.records import EntryKind, File, differences, identify
from trustworks.assurance.registered import product_of, products_of
from trustworks.assurance.rules import (
    check_about,
    check_announced,
    check_binding,
    check_compared,
    check_confirmable,
    check_corrected,
    check_day,
    check_device,
    check_form,
    check_functions,
    check_kept,
    check_same_product,
)
from trustworks.assurance.rulesets import SHIPPED, load
from trustworks.assurance.sources import Download, Imported, by_hand, merge, read_any
from trustworks.assurance.sources.checks import objection
from trustworks.core.audit.model import Event
from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from sqlalchemy import Connection

    from trustworks.assurance.model import Entry, FactName, Value
    from trustworks.core.audit import Recorder
    from trustworks.core.audit.canonical import JSON

LARGEST_FILE: Final = 48 * 1024 * 1024  # octets
_SHOWN: Final = 300  # characters of a reason, and of a value in an event
_SKEW: Final = timedelta(hours=1)  # between the clock of whoever downloads and this one
_KINDS: Final[Mapping[type[Any], EntryKind]] = {
    Product: EntryKind.PRODUCT,
    Certificate: EntryKind.CERTIFICATE,
    Binding: EntryKind.BINDING,
    Document: EntryKind.DOCUMENT,
    Check: EntryKind.CHECK,
    Confirmation: EntryKind.CONFIRMATION,
    Transfer: EntryKind.TRANSFER,
    Headcount: EntryKind.HEADCOUNT,
    ProviderPaper: EntryKind.PAPER,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """What came of an import: what the document said, its hash, which registered certificates it changed."""

    imported: Imported
    sha256: str
    changed: tuple[str, ...]


class Register:
    """The register over an open audit log. `now` answers the moment, UTC-aware."""

    def __init__(
        self, recorder: Recorder, *, by: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._recorder = recorder
        self._by = by
        self._now = now
        self._rule_sets = tuple(load(name) for name in SHIPPED)

    # Products and what is said of them

    def enter(self, entry: Entry) -> str:
        """Enter something, or its next version; answers its id. Nothing is written where nothing is new.

        Raises `Malformed` for values that cannot be, and `Rejected` (assurance.…) for what is about a
        product, certificate, file or process that is not there, or about a day that has not come.
        """
        check_form(entry)
        check_day(entry, self._now().date())
        if isinstance(entry, Product):
            check_device(entry)
        if isinstance(entry, Binding):
            check_binding(entry, self._rule_sets)
        if isinstance(entry, Confirmation) and entry.kind == "evaluated-scope":
            check_functions(entry.values)
        if isinstance(entry, Document):
            check_functions(entry.functions)
        identifier = identify(entry)

        def action(connection: Connection) -> tuple[JSON, ...]:
            products = products_of(connection)
            check_about(entry, products, {one.sha256 for one in records.files(connection)})
            if isinstance(entry, Confirmation):
                held = records.newest(connection, EntryKind.CERTIFICATE, entry.certificate)
                if held is not None and held.content is not None:
                    certificate = records.decode(Certificate, held.content)
                    check_confirmable(entry, certificate.kind)
                    check_compared(entry, products[entry.product], certificate)
            return self._write(connection, entry)

        self._recorder.transact_all(
            lambda changed: self._events(entry, identifier, changed) if changed else (), action
        )
        return identifier

    def change_product(self, identifier: str, **values: Any) -> Product:
        """Change fields of a product, as what was announced or found asks for it.

        Who types values in asks for `amend_product`. Raises `Rejected` (assurance.product) for a product that
        there is not.
        """

        def action(connection: Connection) -> tuple[Product, tuple[JSON, ...]]:
            changed = replace(product_of(connection, identifier), **values)
            check_form(changed)
            return changed, self._write(connection, changed)

        product, _ = self._recorder.transact_all(
            lambda answer: self._events(answer[0], identifier, answer[1]) if answer[1] else (), action
        )
        return product

    def amend_product(self, identifier: str, values: Mapping[str, Any], *, correction: str = "") -> Product:
        """Change what the register says of a product, by hand.

        `correction` says why what it said was wrong; without one, nothing that tells which product it is can
        become another. Its event is one of its own. Raises `Refused` (TRUSTWORKS:ASSURANCE-CHANGE-ANNOUNCED)
        and as `change_product`.
        """
        if len(correction) > _SHOWN:
            raise Malformed(f"The reason has more than {_SHOWN} characters. Shorten it.")

        def action(connection: Connection) -> tuple[Product, tuple[JSON, ...]]:
            before = product_of(connection, identifier)
            changed = replace(before, **values)
            check_form(changed)
            check_device(changed)
            check_announced(before, values, correction)
            return changed, self._write(connection, changed)

        def events(answer: tuple[Product, tuple[JSON, ...]]) -> tuple[Event, ...]:
            product, changed = answer
            if not (changed and correction):
                return self._events(product, identifier, changed) if changed else ()
            detail: dict[str, JSON] = {"changed": list(changed), "reason": correction}
            return (self._event("assurance.product-corrected", identifier, detail),)

        product, _ = self._recorder.transact_all(events, action)
        return product

    def remove(self, kind: EntryKind, identifier: str, *, reason: str) -> None:
        """Take an entry out; its versions stay. Raises `Rejected` (assurance.absent)."""

        def action(connection: Connection) -> None:
            last = records.newest(connection, kind, identifier)
            if last is None or last.content is None:
                raise Rejected("assurance.absent", f"The register has no {kind} {identifier!a:.120}.")
            if kind is EntryKind.PRODUCT:
                _check_unused(connection, identifier)
            records.write(connection, kind, identifier, None, at=self._now(), by=self._by)

        self._recorder.transact(
            self._event(f"assurance.{kind}-removed", identifier, {"reason": reason}), action
        )

    # Files and certificates

    def keep(self, data: bytes, *, name: str, source: str, retrieved: datetime) -> str:
        """Keep a file as it is; answers its SHA-256 in hexadecimal. The same octets are kept once."""
        if len(data) > LARGEST_FILE:
            raise BeyondLimit(f"{name} has more than the {LARGEST_FILE} octets that are kept.")
        kept = self._file(data, name=name, source=source, retrieved=retrieved)
        self._recorder.transact_all(
            lambda new: (self._kept(kept),) if new else (),
            lambda connection: records.add_file(connection, kept),
        )
        return kept.sha256

    def take_in(self, data: bytes, *, name: str, source: str, retrieved: datetime) -> Taken:
        """Import a document: the file is kept, certificates are found in it, registered ones are renewed.

        What has a problem is left out and told; nothing that is registered is lost by it. Raises `Malformed`
        for what no importer reads.
        """
        if retrieved > self._now() + _SKEW:
            raise Rejected(
                "assurance.ahead",
                f"{name} is said to be of {retrieved:%Y-%m-%d}, which has not come. Say when it was loaded.",
            )
        imported = read_any(data, Download(name=name, retrieved=retrieved))
        kept = self._file(data, name=name, source=source, retrieved=retrieved)

        def action(connection: Connection) -> tuple[bool, tuple[tuple[Certificate, tuple[JSON, ...]], ...]]:
            new = records.add_file(connection, kept)
            records.replace_catalogue(connection, imported.kind, imported.certificates)
            return new, tuple(self._renewed(connection, imported))

        _, changed = self._recorder.transact_all(
            lambda answer: (
                *((self._kept(kept, imported),) if answer[0] else ()),
                *(event for one, what in answer[1] for event in self._events(one, one.id, what)),
            ),
            action,
        )
        return Taken(imported=imported, sha256=kept.sha256, changed=tuple(one.id for one, _ in changed))

    def bind_certificate(
        self, identifier: str, product: str, *, file: str | None = None, although: str = ""
    ) -> Certificate:
        """Register a certificate of the catalogue, or again, and bind it to a product.

        `file` is the SHA-256 of the certificate as its owner keeps it; `although` why it is the product's
        where it names another product or holder. Raises `Rejected` (assurance.certificate) where no import
        has it, and (assurance.another-product) where it is of another product and nobody says why.
        """

        def action(connection: Connection) -> tuple[tuple[Entry, tuple[JSON, ...]], ...]:
            bound = product_of(connection, product)
            known = records.newest(connection, EntryKind.CERTIFICATE, identifier)
            found = None
            if known is not None and known.content is not None:
                found = records.decode(Certificate, known.content)
            for one in records.catalogued(connection, identifier):
                found = merge(found, one)
            if found is None:
                raise Rejected(
                    "assurance.certificate",
                    f"No import has the certificate {identifier!a:.80}. Download the list or page of its "
                    "scheme, and `trustworks assurance certificate import` it.",
                )
            found = replace(found, file=file or found.file)
            others = check_same_product(bound, found, although)
            written: list[Entry] = [found]
            if identifier not in bound.certificates:
                written.append(replace(bound, certificates=(*bound.certificates, identifier)))
            if others:
                written.append(
                    Confirmation(
                        product=product,
                        certificate=identifier,
                        kind=ConfirmationKind.OTHER_NAME,
                        values=(although.strip(),),
                        by=self._by,
                        on=self._now().date(),
                        page="said when it was bound",
                    )
                )
                check_form(written[-1])
            return tuple((one, self._write(connection, one)) for one in written)

        answer = self._recorder.transact_all(
            lambda written: tuple(
                event
                for one, changed in written
                if changed
                for event in self._events(one, identify(one), changed)
            ),
            action,
        )
        certificate = answer[0][0]
        assert isinstance(certificate, Certificate)  # noqa: S101 - it is written first
        return certificate

    @implements("TRUSTWORKS:ASSURANCE-UNBIND", disabled=None)
    def unbind_certificate(self, identifier: str, product: str, *, reason: str) -> None:
        """Take a certificate from a product that it was bound to by mistake; `reason` goes into the event.

        Both stay registered, with their versions, and so does what persons confirmed: that counts for nothing
        while the certificate is not bound. Raises `Malformed` without a reason, and `Rejected`
        (assurance.product, assurance.certificate) for what there is not, or is not bound.
        """
        if not reason.strip():
            raise Malformed(f"Say why {identifier!a:.80} is not the certificate of {product!a:.80}.")
        if len(reason) > _SHOWN:
            raise Malformed(f"The reason has more than {_SHOWN} characters. Shorten it.")

        def action(connection: Connection) -> tuple[JSON, ...]:
            bound = product_of(connection, product)
            if identifier not in bound.certificates:
                raise Rejected(
                    "assurance.certificate",
                    f"The certificate {identifier!a:.80} is not bound to {product}: nothing is to be undone.",
                )
            left = tuple(one for one in bound.certificates if one != identifier)
            return self._write(connection, replace(bound, certificates=left))

        def events(changed: tuple[JSON, ...]) -> tuple[Event, ...]:
            detail: dict[str, JSON] = {
                "certificate": identifier,
                "changed": list(changed),
                "reason": reason.strip(),
            }
            return (self._event("assurance.certificate-unbound", product, detail),)

        self._recorder.transact_all(events, action)

    def enter_certificate(self, certificate: Certificate, *, correction: str = "") -> None:
        """Register a certificate that a person typed in, from a file that is kept.

        What others say of it stays beside it. `correction` says why what a person read before was wrong; the
        newer fact takes its place in the next version. Raises `Refused`
        (TRUSTWORKS:ASSURANCE-BY-HAND-CORRECTED), `Rejected` (assurance.ahead, assurance.by-hand,
        assurance.file).
        """
        if len(correction) > _SHOWN:
            raise Malformed(f"The reason has more than {_SHOWN} characters. Shorten it.")
        latest = max(one.provenance.retrieved for one in certificate.facts)
        if latest > self._now() + _SKEW:
            raise Rejected(
                "assurance.ahead", f"It cannot have been read on {latest.date()}, which has not come."
            )

        def action(connection: Connection) -> tuple[tuple[JSON, ...], list[JSON]]:
            check_kept(certificate, {one.sha256 for one in records.files(connection)})
            known = records.newest(connection, EntryKind.CERTIFICATE, certificate.id)
            before = None
            if known is not None and known.content is not None:
                before = records.decode(Certificate, known.content)
            earlier = before
            for one in records.catalogued(connection, certificate.id):
                earlier = merge(earlier, one)
            check_corrected(earlier, certificate, correction)
            after = merge(before, certificate)
            objects = objection(_by_hand(after), latest.date())
            if objects is not None:
                raise Rejected("assurance.by-hand", f"{certificate.id} cannot be so: {objects}")
            records.replace_catalogue(connection, SourceKind.BY_HAND.value, (certificate,))
            facts: list[JSON] = [
                {"fact": name.value, "before": old[:_SHOWN], "after": new[:_SHOWN]}
                for name, old, new in by_hand.changes(before, after)
            ]
            return self._write(connection, after), facts

        def events(answer: tuple[tuple[JSON, ...], list[JSON]]) -> tuple[Event, ...]:
            changed, facts = answer
            if not changed:
                return ()
            detail: dict[str, JSON] = {"changed": list(changed), "facts": facts}
            kind = "entered"
            if correction:
                kind, detail = "corrected", detail | {"reason": correction}
            return (self._event(f"assurance.certificate-{kind}", certificate.id, detail),)

        self._recorder.transact_all(events, action)

    # In one transaction

    def _renewed(
        self, connection: Connection, imported: Imported
    ) -> list[tuple[Certificate, tuple[JSON, ...]]]:
        registered = records.entries(connection, EntryKind.CERTIFICATE)
        found = []
        for one in imported.certificates:
            known = registered.get(one.id)
            if isinstance(known, Certificate):
                merged = merge(known, one)
                changed = self._write(connection, merged)
                if changed:
                    found.append((merged, changed))
        return found

    def _write(self, connection: Connection, entry: Entry) -> tuple[JSON, ...]:
        """Write the next version; answers what changed, field by field, or nothing."""
        kind, identifier, content = _KINDS[type(entry)], identify(entry), records.encode(entry)
        last = records.newest(connection, kind, identifier)
        before = None
        if last is not None and last.content is not None:
            if last.content == content:
                return ()
            before = records.decode(type(entry), last.content)
        records.write(connection, kind, identifier, content, at=self._now(), by=self._by)
        return differences(before, entry)

    # Events

    def _events(self, entry: Entry, identifier: str, changed: tuple[JSON, ...]) -> tuple[Event, ...]:
        return (
            self._event(f"assurance.{_KINDS[type(entry)]}-entered", identifier, {"changed": list(changed)}),
        )

    def _event(self, kind: str, identifier: str, detail: Mapping[str, JSON]) -> Event:
        return Event(
            type=kind,
            outcome="success",
            actor=self._by,
            subject={"entry": identifier},
            detail=detail,
            time=self._now(),
        )

    def _file(self, data: bytes, *, name: str, source: str, retrieved: datetime) -> File:
        return File(
            sha256=hashlib.sha256(data).hexdigest(),
            name=name[:200],
            source=source[:500],
            retrieved_at=retrieved,
            added_at=self._now(),
            added_by=self._by,
            content=data,
        )

    def _kept(self, kept: File, imported: Imported | None = None) -> Event:
        detail: dict[str, JSON] = {"name": kept.name, "source": kept.source, "octets": len(kept.content)}
        if imported is not None:
            detail |= {
                "kind": imported.kind.value,
                "certificates": len(imported.certificates),
                "problems": len(imported.problems),
            }
        return self._event("assurance.file-kept", kept.sha256, detail)


def _by_hand(certificate: Certificate) -> dict[FactName, Value]:
    """What persons read in it."""
    return {one.name: one.value for one in certificate.facts if one.provenance.is_by_hand}


def _check_unused(connection: Connection, identifier: str) -> None:
    used = [
        name
        for name, one in records.entries(connection, EntryKind.BINDING).items()
        if isinstance(one, Binding) and one.product == identifier
    ]
    if used:
        raise Rejected(
            "assurance.bound",
            f"{identifier} is bound to {', '.join(used)}. End these bindings first, or give the product a "
            "day of retirement.",
        )
