"""What is given beside the signed file: trust anchors, certificates, revocation data, in files or folders."""

from __future__ import annotations

import base64
import binascii
import re
from typing import TYPE_CHECKING, Final

from trustworks.core.durable import read_at_most
from trustworks.core.errors import Malformed
from trustworks.core.pki.tokens import Certificate, OcspAnswer, RevocationList
from trustworks.core.values import dataclass
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.trust import JoinedAnchors, Trust

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from datetime import datetime
    from pathlib import Path

    from trustworks.core.pki.trusted_lists.store import TrustStore

_LARGEST: Final = 64 * 1024 * 1024
"""Octets of the longest file that is read: a revocation list of a million entries has some 40 MB."""
_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]{1,40})-----(.*?)-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trusted:
    """Whom somebody trusts; `lists` are the trusted lists, for what they say of qualification."""

    trust: Trust
    lists: TrustStore | None = None


def trusted_of(places: Sequence[Path], at: datetime) -> Trusted:
    """Trust anchors in files and folders; a folder that `trustworks trust refresh` filled has trusted lists.

    Of several such folders the first is asked about qualification. `at` is the time for which the lists are
    to be current; overdue ones count, and what is concluded from them says so.

    Raises:
        Malformed: a file cannot be read, or holds no certificate; the lists cannot be used.
    """
    if not any(place.is_dir() for place in places):
        return Trusted(trust=trust_of(places))
    # Who has no trusted lists need not load what reads them.
    from trustworks.core.pki.trusted_lists.store import STATE, TrustStore  # noqa: PLC0415
    from trustworks.core.pki.trusted_lists.uris import OF_AUTHORITIES, OF_STATUS, OF_TIME_STAMPS  # noqa: PLC0415

    stores = [place for place in places if (place / STATE).is_file()]
    own = trust_of(place for place in places if place not in stores)
    if not stores:
        return Trusted(trust=own)
    opened = [TrustStore.load(place, at, overdue_lists=True) for place in stores]
    every = (*OF_AUTHORITIES, *OF_TIME_STAMPS, *OF_STATUS)
    trust = Trust(
        JoinedAnchors([own.anchors, *(one.trust_anchors(*every) for one in opened)]),
        for_signers=JoinedAnchors([own.anchors, *(one.trust_anchors(*OF_AUTHORITIES) for one in opened)]),
    )
    return Trusted(trust=trust, lists=opened[0])


def trust_of(places: Iterable[Path]) -> Trust:
    """The certificates in these files and folders, as trust anchors.

    Raises:
        Malformed: a file cannot be read, or holds no certificate.
    """
    anchors: dict[bytes, None] = {}
    for file in _files(places):
        found = [der for der in _ders(file) if _is(Certificate, der)]
        if not found:
            raise Malformed(
                f"{file} holds no certificate that can be read; give trust anchors in PEM or DER."
            )
        anchors.update(dict.fromkeys(found))
    return Trust.of(anchors)


def certificates_of(file: Path) -> tuple[Certificate, ...]:
    """The certificates in a file, in its order; what else is in it is left out.

    Raises:
        Malformed: the file cannot be read, or holds no certificate.
    """
    found = tuple(Certificate.read(der) for der in _ders(file) if _is(Certificate, der))
    if not found:
        raise Malformed(f"{file} holds no certificate that can be read; give it in PEM or DER.")
    return found


def extra_of(places: Iterable[Path]) -> Extra:
    """Certificates, revocation lists and OCSP answers in these files and folders.

    Raises:
        Malformed: a file cannot be read, or holds none of them.
    """
    certificates, revocation = [], []
    for file in _files(places):
        for der in _ders(file):
            if _is(Certificate, der):
                certificates.append(token("C", der))
            elif _is(RevocationList, der):
                revocation.append(token("R", der))
            elif _is(OcspAnswer, der):
                revocation.append(token("O", der))
            else:
                raise Malformed(f"{file} holds neither certificate, revocation list nor OCSP answer.")
    return Extra(certificates=tuple(certificates), revocation=tuple(revocation))


def _is(kind: type[Certificate | RevocationList | OcspAnswer], der: bytes) -> bool:
    try:
        kind.read(der)
    except Malformed:
        return False
    return True


def _files(places: Iterable[Path]) -> Iterator[Path]:
    for place in places:
        if place.is_dir():
            yield from sorted(one for one in place.iterdir() if one.is_file())
        else:
            yield place


def _ders(file: Path) -> list[bytes]:
    """What the file holds in DER; PEM is decoded, and may hold several."""
    try:
        octets = read_at_most(file, _LARGEST)
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}.") from error
    if len(octets) > _LARGEST:
        raise Malformed(
            f"{file} has more than {_LARGEST} octets; give certificates and revocation data alone."
        )
    if b"-----BEGIN " not in octets:
        return [octets]
    try:
        return [base64.b64decode(b"".join(body.split()), validate=True) for _, body in _PEM.findall(octets)]
    except binascii.Error as error:
        raise Malformed(f"The PEM in {file} cannot be decoded.") from error
