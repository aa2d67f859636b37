"""All that the engine is given."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from trustworks.assurance.model.certificates import Certificate
from trustworks.assurance.model.papers import ProviderPaper
from trustworks.assurance.model.products import Binding, LiveModule, Product
from trustworks.assurance.model.statements import Check, Confirmation, Document, Headcount, Transfer

# What the register keeps, one by one.
Entry: TypeAlias = (
    Product | Certificate | Binding | Document | Check | Confirmation | Transfer | Headcount | ProviderPaper
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What is known, at one moment; the same facts give the same report, octet by octet.

    `unregistered` are modules that evidence saw in use and that no product names, `used` those that one does.
    What persons stated is in
    the order in which they wrote it: of several statements of one day the last counts.
    """

    products: tuple[Product, ...] = ()
    certificates: tuple[Certificate, ...] = ()
    bindings: tuple[Binding, ...] = ()
    documents: tuple[Document, ...] = ()
    checks: tuple[Check, ...] = ()
    confirmations: tuple[Confirmation, ...] = ()
    transfers: tuple[Transfer, ...] = ()
    headcounts: tuple[Headcount, ...] = ()
    unregistered: tuple[LiveModule, ...] = ()
    used: tuple[LiveModule, ...] = ()
