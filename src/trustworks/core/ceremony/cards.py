"""Cards of custodians and operators that a plan names, with the fingerprints that were approved with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed, Refused
from trustworks.core.module import documents
from trustworks.core.module.custodians import Custodian
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from trustworks.core.ceremony import steps
    from trustworks.core.ceremony.actions import Bench


@implements("EN319411-1:GEN-6.5.2-06")
def check_card(found: Custodian, *, name: str, fingerprint: str) -> None:
    """Refuse a card whose fingerprint was not approved: a key or a PIN would be somebody else's."""
    if found.name != name or found.fingerprint != fingerprint:
        raise Refused(
            "EN319411-1:GEN-6.5.2-06",
            f"The card is of {found.name} with the fingerprint {found.fingerprint}, and the plan expects "
            f"{name} with {fingerprint}. Find out who changed it before anything is made for it.",
        )


def read_file(file: Path) -> bytes:
    """A document of the plan. Raises `Malformed`."""
    try:
        return read_at_most(file, documents.LARGEST)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}. Put the file of the plan there.") from None


def cards(bench: Bench, planned: Iterable[steps.Card]) -> list[Custodian]:
    """The cards, each with the name and the fingerprint that the plan says. Raises `Malformed`, `Refused`."""
    found = []
    for one in planned:
        card = documents.read(Custodian, read_file(bench.base / one.card), f"The card {one.card}")
        if not bench.stands_in:
            check_card(card, name=one.name, fingerprint=one.fingerprint)
        found.append(card)
    return found
