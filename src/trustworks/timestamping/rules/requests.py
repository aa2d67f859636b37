"""Which requests are granted. Every rule answers whether it has nothing against the request.

Source: RFC 3161, 2.4.1 and 2.4.2.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der.algorithms import HASHES
from trustworks.core.der.elements import enter
from trustworks.core.der.encode import OBJECT_IDENTIFIER, SEQUENCE, oid
from trustworks.core.errors import Malformed
from trustworks.core.trace import implements
from trustworks.timestamping.model import PkiFailureInfo

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.timestamping.model import Request, Terms


_KNOWN_HASHES: Final = frozenset(oid(one.oid) for one in HASHES.values())


@implements("RFC3161:2.4.2-BAD-REQUEST", disabled=True)
def version_is_known(request: Request, terms: Terms) -> bool:
    """Only version 1 is known."""
    del terms
    return request.version == 1


@implements("RFC3161:2.4.2-BAD-DATA-FORMAT", disabled=True)
def hash_is_written_properly(request: Request, terms: Terms) -> bool:
    """A hash function that is known has the parameters that it may have: none, or NULL (RFC 5754, 2)."""
    del terms
    if request.hash is not None:
        return True
    try:
        begin, _ = enter(request.hash_algorithm, 0, SEQUENCE)
        _, end = enter(request.hash_algorithm, begin, OBJECT_IDENTIFIER)
    except Malformed:
        return False
    return request.hash_algorithm[begin:end] not in _KNOWN_HASHES


@implements("RFC3161:2.4.2-BAD-ALG", "EN319422:5.1.3-IMPRINT-HASH", disabled=True)
def hash_is_accepted(request: Request, terms: Terms) -> bool:
    """The imprint was made with a hash function that the unit accepts."""
    return request.hash is not None and request.hash.name in terms.imprints


@implements("RFC3161:2.4.2-BAD-DATA-FORMAT", disabled=True)
def imprint_has_the_hash_s_length(request: Request, terms: Terms) -> bool:
    """The imprint is as long as its hash function's digests."""
    del terms
    return request.hash is None or len(request.digest) == request.hash.size


@implements("RFC3161:2.4.2-UNACCEPTED-POLICY", "EN319422:5.1.2-REQUEST-FIELDS", disabled=True)
def policy_is_accepted(request: Request, terms: Terms) -> bool:
    """The policy that the client asks for, if any, is one of the unit's."""
    return request.policy is None or request.policy in terms.policies


@implements("RFC3161:2.4.2-UNACCEPTED-EXTENSION", disabled=True)
def has_no_extension(request: Request, terms: Terms) -> bool:
    """The request has no extension: none is known here, so each is refused, critical or not."""
    del terms
    return not request.extensions


def _accepted(terms: Terms) -> str:
    """The sentence about a hash function that is not accepted; made when one is refused."""
    *names, last = [
        name.replace("_", "/").replace("sha3/", "SHA3-").replace("sha", "SHA-", 1)
        for name in HASHES
        if name in terms.imprints
    ]
    words = f"{', '.join(names)} or {last}" if names else last
    return f"The hash algorithm is not accepted; use {words}."


RULES: Final[
    tuple[tuple[Callable[[Request, Terms], bool], PkiFailureInfo, str | Callable[[Terms], str]], ...]
] = (
    (
        version_is_known,
        PkiFailureInfo.BAD_REQUEST,
        "The version of the request is not 1.",
    ),
    (
        hash_is_written_properly,
        PkiFailureInfo.BAD_DATA_FORMAT,
        "The hash algorithm is not written as it should be: its identifier, and no parameters or NULL.",
    ),
    (
        hash_is_accepted,
        PkiFailureInfo.BAD_ALG,
        _accepted,
    ),
    (
        imprint_has_the_hash_s_length,
        PkiFailureInfo.BAD_DATA_FORMAT,
        "The imprint is not as long as a digest of its hash algorithm.",
    ),
    (
        policy_is_accepted,
        PkiFailureInfo.UNACCEPTED_POLICY,
        "The policy is not one of this time-stamping unit; leave it out to get the default.",
    ),
    (
        has_no_extension,
        PkiFailureInfo.UNACCEPTED_EXTENSION,
        "The request has an extension; none is accepted.",
    ),
)


def objection(request: Request, terms: Terms) -> tuple[PkiFailureInfo, str] | None:
    """The first rule's answer that stands against the request, with its sentence."""
    for rule, failure, sentence in RULES:
        if not rule(request, terms):
            return failure, sentence if isinstance(sentence, str) else sentence(terms)
    return None
