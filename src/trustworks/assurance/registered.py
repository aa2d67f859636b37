"""What the register holds: products, the facts for verdicts, the provider's own documents, histories."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final, TypeVar

from trustworks.assurance import records
from trustworks.assurance.evidence import Kind, Outcome
from trustworks.assurance.evidence import records as evidence
from trustworks.assurance.evidence.identity import unregistered, used
from trustworks.assurance.model import (
    Binding,
    Certificate,
    Check,
    Confirmation,
    Document,
    Facts,
    Headcount,
    Product,
    ProviderPaper,
    Transfer,
)
from trustworks.assurance.records import EntryKind
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection

    from trustworks.assurance.evidence import Item
    from trustworks.assurance.model import Entry
    from trustworks.assurance.records import Version

E = TypeVar("E", bound="Entry")

_REMEMBERED: Final = 50  # of the last looks at a module, those in which one that could be made is sought


def products_of(connection: Connection) -> dict[str, Product]:
    """All registered products."""
    return {
        name: one
        for name, one in records.entries(connection, EntryKind.PRODUCT).items()
        if isinstance(one, Product)
    }


def product_of(connection: Connection, identifier: str) -> Product:
    """A registered product. Raises `Rejected` (assurance.product)."""
    last = records.newest(connection, EntryKind.PRODUCT, identifier)
    if last is None or last.content is None:
        raise Rejected(
            "assurance.product",
            f"There is no product {identifier!a:.80}. `trustworks assurance product list` shows all.",
        )
    return records.decode(Product, last.content)


def facts_of(connection: Connection) -> Facts:
    """All that is registered, as the engine takes it."""

    def of(kind: EntryKind, type_: type[E], *, as_written: bool = False) -> tuple[E, ...]:
        found = records.entries(connection, kind, as_written=as_written).values()
        return tuple(one for one in found if isinstance(one, type_))

    products = tuple(_seen(connection, of(EntryKind.PRODUCT, Product)))
    looked_at = _looked_at(connection)
    return Facts(
        products=products,
        certificates=of(EntryKind.CERTIFICATE, Certificate),
        bindings=of(EntryKind.BINDING, Binding),
        # Of several of one day, what was written last is the last.
        documents=of(EntryKind.DOCUMENT, Document, as_written=True),
        checks=of(EntryKind.CHECK, Check, as_written=True),
        confirmations=of(EntryKind.CONFIRMATION, Confirmation, as_written=True),
        transfers=of(EntryKind.TRANSFER, Transfer, as_written=True),
        headcounts=of(EntryKind.HEADCOUNT, Headcount, as_written=True),
        unregistered=unregistered(looked_at, products),
        used=used(looked_at, products),
    )


def _seen(connection: Connection, products: Iterable[Product]) -> Iterator[Product]:
    """Products of which each says when it was seen last, where the register has when it was seen first so."""
    looks = evidence.last_looks(connection)
    for one in products:
        seen = looks.get(one.id)
        if one.observed is not None and seen is not None and seen > one.observed.at:
            yield replace(one, observed=replace(one.observed, at=seen))
        else:
            yield one


def papers_of(connection: Connection) -> tuple[ProviderPaper, ...]:
    """The provider's own documents, each in its newest version."""
    found = records.entries(connection, EntryKind.PAPER).values()
    return tuple(one for one in found if isinstance(one, ProviderPaper))


def _looked_at(connection: Connection) -> list[Item]:
    """What was found of each module when it could be looked at last; of those of the last round."""
    last = evidence.last_round(connection)
    found = []
    for kept in () if last is None else last.items:
        item = kept.item
        if item.kind is Kind.IDENTITY and item.outcome is Outcome.FAILED:  # what was there is there still
            before = evidence.listing(connection, kind=Kind.IDENTITY, subject=item.subject, limit=_REMEMBERED)
            item = next((one.item for one in before if one.item.outcome is not Outcome.FAILED), item)
        found.append(item)
    return found


def history_of(connection: Connection, kind: EntryKind, identifier: str) -> list[Version]:
    """All versions of an entry. Raises `Rejected` (assurance.absent)."""
    found = records.history(connection, kind, identifier)
    if not found:
        raise Rejected("assurance.absent", f"The register has no {kind} {identifier!a:.120}.")
    return found
