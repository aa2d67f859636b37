"""Signatures that are in a file already, to which one more is added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.formats.evidence import Container as Held
from trustworks.formats.read import read
from trustworks.formats.uncovered import UNCOVERED
from trustworks.signing.model import Container

if TYPE_CHECKING:
    from trustworks.formats.evidence import Evidence, Signature
    from trustworks.signing.model import Request


_KINDS: Final = {Held.ASIC_S: Container.ASIC_S, Held.ASIC_E: Container.ASIC_E}


def signatures(request: Request) -> list[Signature]:
    """The signatures of the file, in its order, without those that countersign others. Raises `Malformed`."""
    return [one for one in _evidence(request).signatures if one.parent is None]


def _evidence(request: Request) -> Evidence:
    first, *others = request.documents
    evidence = read(first.data, detached=[one.data for one in others])
    kind = _KINDS.get(evidence.container)
    if kind is not None and request.container is None:
        raise Rejected(
            "signing.container",
            f"The file is an {evidence.container.value}. Ask for that container ({kind}), to add a signature "
            "to it; a counter-signature is made in a file of its own.",
        )
    return evidence


@implements("TRUSTWORKS:SIGNING-PARALLEL-SAME")
def check_same_data(request: Request) -> None:
    """What a parallel signature will be over is what the signatures that are there are over.

    Raises `Rejected` (``signing.documents``) for other data, for data that is missing, and for data beside a
    file that holds its own.
    """
    evidence = _evidence(request)
    found = [one for one in evidence.signatures if one.parent is None]
    if not found:
        raise Rejected("signing.documents", "The file has no signature, beside which another could be put.")
    if any(one.mandatory and not one.found for each in found for one in each.references):
        raise Rejected(
            "signing.documents", "The data that the file signs is not at hand. Give it behind the file."
        )
    if any(one.found and not one.intact for each in found for one in each.references):
        raise Rejected(
            "signing.documents",
            "The data is not what the signatures of the file are over, or the file was changed: a signature "
            "beside them would be over something else. Give the data that was signed.",
        )
    if any(one.code == UNCOVERED for one in evidence.findings):
        raise Rejected(
            "signing.documents",
            "A document is given that the signatures of the file are not over. Leave it out.",
        )


def countersigned(request: Request) -> tuple[int, Signature]:
    """The signature that is to be countersigned, with its number in the file.

    Raises:
        Malformed: the file is no signed file.
        Rejected: ``signing.target``: it has no such signature, or several and none is named.
    """
    found = signatures(request)
    for number, one in enumerate(found):
        named = request.target is not None and request.target in {one.id, one.name}
        if named or (request.target is None and len(found) == 1):
            return number, one
    every = ", ".join(one.id for one in found)
    raise Rejected(
        "signing.target",
        f"The file has {len(found)} signatures ({every or 'none'}), and it is not said which of them is "
        "countersigned. Name one of them.",
    )


def numbered(request: Request) -> int:
    """The number of the signature that is to be countersigned. Raises as `countersigned`."""
    return countersigned(request)[0]
