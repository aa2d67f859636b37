"""Signatures that are in a file already, to which one more is added."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected
from trustworks.formats.read import read

if TYPE_CHECKING:
    from trustworks.formats.evidence import Signature
    from trustworks.signing.model import Request


def signatures(request: Request) -> list[Signature]:
    """The signatures of the file, in its order, without those that countersign others. Raises `Malformed`."""
    first, *others = request.documents
    found = read(first.data, detached=[one.data for one in others])
    return [one for one in found.signatures if one.parent is None]


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
