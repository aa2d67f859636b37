"""Whether a list is what it claims to be: the list of lists by the Official Journal, the others by it.

TS 119 615, 4.1 and 4.2. Lists come from a callable, so that nothing here knows a network or a clock.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Final
from urllib.parse import urlsplit

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.trusted_lists.markup import DEFAULT_LIMITS, Limits
from trustworks.core.pki.trusted_lists.read import VERSIONS, parse, trusted_list_of
from trustworks.core.pki.trusted_lists.signature import verify_signature
from trustworks.core.pki.trusted_lists.uris import XML_LIST
from trustworks.core.trace import implements
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from datetime import datetime

    from trustworks.core.pki.trusted_lists.model import (
        ListedCertificate,
        Pointer,
        Scheme,
        Text,
        TrustedList,
    )

    Fetch = Callable[[str], bytes]
    """Gets the octets at an address. Raises `Unavailable`, `Rejected` or `Malformed`."""

EU: Final = "EU"

LOTL_PASSED: Final = "LOTL_VERIFICATION_PASSED"
LOTL_FAILED: Final = "LOTL_VERIFICATION_FAILED"
TL_FAILED: Final = "TL_VERIFICATION_FAILED"
EUTL_PASSED: Final = "EUTL_VERIFICATION_PASSED"
EUTL_FAILED: Final = "EUTL_VERIFICATION_FAILED"

LOTL_OVERDUE: Final = "LOTL_NEXTUPDATE_PASSED"
EUTL_OVERDUE: Final = "WARNING_EUTL_NEXTUPDATE_PASSED"
OJ_NOT_NAMED: Final = "OJEU_LOCATION_INPUT_NOT_MATCHING_OJEU_LOCATION_IN_LOTL"
FILE_CONFLICT: Final = "LOTL_FILE_CONFLICT"
LOTL_SIGNATURE: Final = "LOTL_SIGNATURE_VERIFICATION_FAILED"
LOTL_SIGNER: Final = "LOTL_SIGNER_CERT_NOT_AUTHENTICATED_BY_LOTL"
EUTL_SIGNATURE: Final = "EUTL_SIGNATURE_VERIFICATION_FAILED"
EUTL_SIGNER: Final = "EUTLSO_SIGNER_CERT_NOT_AUTHENTICATED_BY_LOTL"

# Not the standard's: it stops at what cannot be got or read, and leaves the words to who carries it out.
UNREADABLE: Final = "LIST_NOT_READABLE"
UNAVAILABLE: Final = "LIST_NOT_AVAILABLE"
NO_POINTER: Final = "NO_POINTER_IN_LOTL"
WRONG_TERRITORY: Final = "LIST_OF_ANOTHER_TERRITORY"
NEW_JOURNAL: Final = "WARNING_OJEU_PUBLICATION_CHANGED_CONFIGURE_ITS_CERTIFICATES"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfficialJournal:
    """What is configured beforehand (GPR-4.0-02): a publication, where the list of lists is, its signers."""

    publication: str
    location: str
    certificates: tuple[bytes, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Authenticated:
    """The outcome of clause 4.1 or 4.2. `list` is None where the list is not to be believed.

    `words` are sentences for people. `journal` is what is to be configured from now on, for the list of
    lists; `octets` are those of the list, and of the pivots in their order.
    """

    status: str
    sub_status: tuple[str, ...] = ()
    words: tuple[str, ...] = ()
    list: TrustedList | None = None
    signer: bytes = b""
    octets: bytes = b""
    pivots: tuple[bytes, ...] = ()
    journal: OfficialJournal | None = None


def authenticate_list_of_lists(
    journal: OfficialJournal, fetch: Fetch, at: datetime, limits: Limits = DEFAULT_LIMITS
) -> Authenticated:
    """The list of lists, authenticated through its pivots by what the Official Journal published (4.1)."""
    try:
        first = _Signed.get(fetch, journal.location, limits)
        return _through_pivots(first, journal, fetch, at, limits)
    except _NotAuthentic as stop:
        return Authenticated(status=LOTL_FAILED, sub_status=stop.sub_status, words=(stop.words,))


def _through_pivots(
    lotl: _Signed, journal: OfficialJournal, fetch: Fetch, at: datetime, limits: Limits
) -> Authenticated:
    scheme = lotl.list.scheme
    addresses = pivots(scheme.information_uris, journal.publication)
    if addresses is None:
        raise _NotAuthentic(
            OJ_NOT_NAMED,
            f"The list of lists does not name the publication {journal.publication}: there is a newer one in "
            "the Official Journal; configure its address and certificates.",
        )
    own = pointer_to_itself(scheme)
    if own is not None and own.location != journal.location:
        moved = _Signed.get(fetch, own.location, limits)
        if not same_file(lotl.octets, moved.octets):
            raise _NotAuthentic(
                FILE_CONFLICT, f"What is at {own.location} is not the list of lists at {journal.location}."
            )
    lotl.verify(LOTL_SIGNATURE, "The list of lists")
    signer = lotl.signer
    if not addresses and not signer_pinned(signer, own):
        raise _NotAuthentic(LOTL_SIGNER, "The list of lists does not name the certificate that signed it.")
    files = []
    for place, address in enumerate(addresses, 1):
        pivot = _Signed.get(fetch, address, limits)
        named = pointer_to_itself(pivot.list.scheme)
        if not signer_pinned(signer, named):
            raise _NotAuthentic(
                f"PIVOT_{place - 1}_SIGNER_CERT_NOT_AUTHENTICATED_BY_PIVOT_{place}",
                f"The pivot at {address} does not name the certificate that signed what came after it.",
            )
        pivot.verify(f"PIVOT_{place}_SIGNATURE_VERIFICATION_FAILED", f"The pivot at {address}")
        signer = pivot.signer
        if not signer_pinned(signer, named):
            raise _NotAuthentic(
                f"PIVOT_{place}_SIGNER_CERT_NOT_AUTHENTICATED_BY_PIVOT_{place}",
                f"The pivot at {address} does not name the certificate that signed it.",
            )
        files.append(pivot.octets)
    if not published(signer, journal):
        raise _NotAuthentic(
            f"PIVOT_{len(addresses)}_LOTLSO_SIGNER_CERT_NOT_AUTHENTICATED_BY_OJEU",
            "The list of lists leads to a certificate that is not among those of the Official Journal; "
            "configure the certificates of its latest publication.",
        )
    if overdue(scheme, at):
        raise _NotAuthentic(
            LOTL_OVERDUE, f"A new list of lists was due on {scheme.next_update:%Y-%m-%d %H:%M} UTC."
        )
    renewed, warnings = renewed_journal(journal, lotl.list, fetch, limits)
    return Authenticated(
        status=LOTL_PASSED,
        sub_status=warnings,
        list=lotl.list,
        signer=lotl.signer,
        octets=lotl.octets,
        pivots=tuple(files),
        journal=renewed,
    )


def authenticate_trusted_list(
    country: str, lotl: Authenticated, fetch: Fetch, at: datetime, limits: Limits = DEFAULT_LIMITS
) -> Authenticated:
    """The trusted list of a country, authenticated by the list of lists (4.2)."""
    if lotl.list is None:
        return Authenticated(status=TL_FAILED, sub_status=(lotl.status, *lotl.sub_status), words=lotl.words)
    pointer = pointer_to(lotl.list.scheme.pointers, country)
    if pointer is None:
        return Authenticated(
            status=EUTL_FAILED,
            sub_status=(NO_POINTER,),
            words=(f"The list of lists does not say where the list of {country} is.",),
        )
    try:
        found = _pinned(country, pointer, fetch, limits)
    except _NotAuthentic as stop:
        return Authenticated(status=EUTL_FAILED, sub_status=stop.sub_status, words=(stop.words,))
    return Authenticated(
        status=EUTL_PASSED,
        sub_status=(EUTL_OVERDUE,) if overdue(found.list.scheme, at) else (),
        list=found.list,
        signer=found.signer,
        octets=found.octets,
    )


def _pinned(country: str, pointer: Pointer, fetch: Fetch, limits: Limits) -> _Signed:
    """The list that a pointer leads to, signed by whom it names, and of that country."""
    found = _Signed.get(fetch, pointer.location, limits)
    if not signer_pinned(found.signer, pointer):
        raise _NotAuthentic(
            EUTL_SIGNER,
            f"The list at {pointer.location} is signed by a certificate that the list of lists does not "
            f"name for {country}.",
        )
    found.verify(EUTL_SIGNATURE, f"The list at {pointer.location}")
    if not of_territory(found.list.scheme, country):
        raise _NotAuthentic(
            WRONG_TERRITORY,
            f"The list at {pointer.location} is that of {found.list.scheme.territory}, not of {country}.",
        )
    return found


class _NotAuthentic(Exception):  # noqa: N818 - ends the procedure; never leaves this module
    def __init__(self, code: str, words: str, *more: str) -> None:
        super().__init__(words)
        self.sub_status = (*more, code)
        self.words = words


@dataclass(frozen=True, slots=True, kw_only=True)
class _Signed:
    """A list as fetched, with the outcome of its signature's verification."""

    octets: bytes
    list: TrustedList
    signer: bytes
    problem: Rejected | None

    @classmethod
    def get(cls, fetch: Fetch, address: str, limits: Limits) -> _Signed:
        try:
            octets = fetch(address)
        except (Unavailable, Rejected, Malformed) as error:
            raise _NotAuthentic(UNAVAILABLE, f"The list at {address} cannot be got: {error}") from error
        try:
            root = parse(octets, limits)
            read = trusted_list_of(root, octets, limits)
            check_format(read)
            signature = verify_signature(root)
        except (Malformed, Rejected) as error:
            raise _NotAuthentic(UNREADABLE, f"The list at {address} cannot be used: {error}") from error
        return cls(octets=octets, list=read, signer=signature.certificate, problem=signature.problem)

    def verify(self, code: str, what: str) -> None:
        if self.problem is not None:
            raise _NotAuthentic(code, f"{what} is not validly signed: {self.problem}", self.problem.code)


@implements("TS119612:5.3.1", "TS119612:5.3.17")
def check_format(read: TrustedList) -> None:
    """Refuse a list of an unknown version, or with a critical extension that is not known (5.3.1, 5.3.17).

    Raises `Rejected`.
    """
    if read.scheme.version not in VERSIONS:
        raise Rejected(
            "version", f"It is of version {read.scheme.version} of the format, which is not known here."
        )
    critical = [one.name for one in read.scheme.extensions if one.critical]
    if critical:
        raise Rejected("extension", f"Its scheme has the critical extension {critical[0]}, which is unknown.")


def pointer_to(pointers: Sequence[Pointer], territory: str) -> Pointer | None:
    """The pointer to the XML list of a territory (PRO-4.2.4-03), which is no list of lists but for the EU's.

    A list of lists outside the EU may be of the same territory as a list that it points to.
    """
    return next(
        (
            one
            for one in pointers
            if one.territory == territory
            and one.mime_type == XML_LIST
            and (territory == EU or not is_list_of_lists(one.type))
        ),
        None,
    )


def pointer_to_itself(scheme: Scheme) -> Pointer | None:
    """The pointer of a list of lists to itself: the EU's by its territory, another's by its type, too.

    TS 119 615 knows the EU's alone. Whose list of lists is believed is configured with its certificates.
    """
    if scheme.territory in {"", EU} or not is_list_of_lists(scheme.type):
        return pointer_to(scheme.pointers, EU)
    return next(
        (
            one
            for one in scheme.pointers
            if one.territory == scheme.territory and one.type == scheme.type and one.mime_type == XML_LIST
        ),
        None,
    )


def is_list_of_lists(kind: str) -> bool:
    """Whether a list is one of lists by its type, the EU's or another's (TS 119 612, 5.3.3)."""
    return kind.endswith("listofthelists")


@implements("TS119615:PRO-4.1.4-10", "TS119615:PRO-4.1.4-11", "TS119615:PRO-4.2.4-07", disabled=True)
def signer_pinned(signer: bytes, pointer: Pointer | None) -> bool:
    """Whether a signer's certificate is one of those of a pointer, octet for octet."""
    return pointer is not None and any(one.der == signer for one in pointer.certificates)


@implements("TS119615:PRO-4.1.4-12", disabled=True)
def published(signer: bytes, journal: OfficialJournal) -> bool:
    """Whether a signer's certificate is one of those that the Official Journal published (PRO-4.1.4-12)."""
    return signer in journal.certificates


@implements("TS119615:PRO-4.1.4-13", "TS119615:PRO-4.2.4-10", disabled=False)
def overdue(scheme: Scheme, at: datetime) -> bool:
    """Whether the next update was due before that time; one that is closed has none."""
    return scheme.next_update is not None and scheme.next_update < at


@implements("TS119612:5.3.10", disabled=True)
def of_territory(scheme: Scheme, country: str) -> bool:
    """Whether a list is that of the country for which it was asked (TS 119 612, 5.3.10)."""
    return scheme.territory == country


@implements("TS119615:PRO-4.1.4-05", disabled=True)
def same_file(one: bytes, other: bytes) -> bool:
    """Whether the list of lists is the same at its old and its new address (PRO-4.1.4-05)."""
    return one == other


def _none_named(uris: Iterable[Text], publication: str) -> tuple[str, ...]:
    del uris, publication
    return ()


@implements("TS119615:PRO-4.1.4-03", "TS119615:PRO-4.1.4-04", disabled=_none_named)
def pivots(uris: Iterable[Text], publication: str) -> tuple[str, ...] | None:
    """The addresses of the pivots, latest first, before the publication; None where that is not named."""
    found: list[str] = []
    for uri in uris:
        if uri.value == publication:
            return tuple(found)
        if is_list_address(uri.value):
            found.append(uri.value)
    return None


def is_list_address(address: str) -> bool:
    """Whether an address has the scheme https, an authority, and a path that ends with ``.xml``."""
    parts = _split(address)
    return parts is not None and parts[1].endswith(".xml")


def is_publication(address: str) -> bool:
    """Whether an address has the scheme https, an authority, and a path that does not end with ``.xml``."""
    parts = _split(address)
    return parts is not None and bool(parts[1]) and not parts[1].endswith(".xml")


def _split(address: str) -> tuple[str, str] | None:
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    return (parts.netloc, parts.path) if parts.scheme == "https" and parts.netloc else None


def _unchanged(
    journal: OfficialJournal, lotl: TrustedList, fetch: Fetch, limits: Limits
) -> tuple[OfficialJournal, tuple[str, ...]]:
    del lotl, fetch, limits
    return journal, ()


@implements("TS119615:PRO-4.1.4-16", "TS119615:PRO-4.1.4-17", disabled=_unchanged)
def renewed_journal(
    journal: OfficialJournal, lotl: TrustedList, fetch: Fetch, limits: Limits
) -> tuple[OfficialJournal, tuple[str, ...]]:
    """What is to be configured from now on: a new address, a new publication with its certificates.

    The certificates of a new publication are in the pivot that is named after it. Where there is none, they
    stand in the Official Journal alone: nothing changes, and a warning says that somebody has to look.
    """
    own = pointer_to_itself(lotl.scheme)
    renewed = journal if own is None else replace(journal, location=own.location)
    addresses = [uri.value for uri in lotl.scheme.information_uris]
    place = next((at for at, address in enumerate(addresses) if is_publication(address)), None)
    if place is None or addresses[place] == journal.publication:
        return renewed, ()
    following = addresses[place + 1] if place + 1 < len(addresses) else ""
    if not is_list_address(following):
        return renewed, (NEW_JOURNAL,)
    try:
        pivot = _Signed.get(fetch, following, limits)
    except _NotAuthentic:
        return renewed, (NEW_JOURNAL,)
    named = pointer_to_itself(pivot.list.scheme)
    certificates: tuple[ListedCertificate, ...] = () if named is None else named.certificates
    # The pivots before the configured publication were authenticated above, this one among them.
    if not certificates or following not in (pivots(lotl.scheme.information_uris, journal.publication) or ()):
        return renewed, (NEW_JOURNAL,)
    return replace(
        renewed, publication=addresses[place], certificates=tuple(one.der for one in certificates)
    ), ()
