"""Puts validation data into a PDF: the document security store, with what of it is for which signature.

Source: EN 319 142-1, 5.4.2; ISO 32000-2, 12.8.4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.der import ber
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import Extended
from trustworks.formats.limits import DEFAULT
from trustworks.formats.pades.contents import contents_id
from trustworks.formats.pades.creating.update import updating
from trustworks.formats.pades.creating.written import NewStream, date
from trustworks.formats.pades.fields import dictionaries
from trustworks.formats.pades.syntax import Name, Ref, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import datetime

    from trustworks.core.ports import ValidationData
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.creating.update import Update
    from trustworks.formats.pades.syntax import Object

_HASH: Final = "sha256"
_KEYS: Final = ("Certs", "CRLs", "OCSPs")
_RELATED_KEYS: Final = ("Cert", "CRL", "OCSP")


@dataclass(frozen=True, slots=True, kw_only=True)
class Related:
    """What is for the signature in one field (VRI), and when it was put together (TU)."""

    field: str
    data: ValidationData
    time: datetime | None = None


def add_store(
    data: Data,
    found: ValidationData,
    related: Sequence[Related] = (),
    *,
    limits: Limits = DEFAULT,
) -> Data:
    """The file with validation data; what its store has already is not put in again.

    All that `related` names is in the arrays of the store, too. A certification never forbids this. The
    answer reads the file when it is read, and `Rejected` (``data.changed``) then says that it is another.
    Where there is nothing to be added it is the file itself.

    Raises:
        Malformed: it is no PDF that can be read, or a token is not DER.
        Rejected: ``pdf.encrypted``, ``pdf.damaged``, ``pdf.too-large``: nothing can be added to it;
            ``pdf.no-signature``: `related` names a field that is not signed.
    """
    _look_at(found, *(one.data for one in related))
    with updating(data, limits) as update:
        keys = _contents_ids(update, related)
        catalogue = update.catalogue()
        held = _held(update)
        store = update.inside(catalogue, "DSS", dict)
        added = 0
        references = []
        for number, key in enumerate(_KEYS):
            wanted = (*_kinds(found)[number], *(one for part in related for one in _kinds(part.data)[number]))
            placed = {one: held[key][one] for one in wanted if one in held[key]}
            new = {one: update.add(NewStream({}, one)) for one in dict.fromkeys(wanted) if one not in placed}
            if new:
                update.inside(store, key, list).extend(new.values())
            added += len(new)
            references.append(placed | new)
        if not added and not related:
            return data
        store["Type"] = Name("DSS")
        if related:
            _relate(update, store, related, keys, references)
        return Extended(data, update.octets(), _HASH, data.digest(_HASH), data.name)


def _kinds(data: ValidationData) -> tuple[Sequence[bytes], ...]:
    """All of it, in the order of a store's arrays."""
    return (data.certificates, data.lists, data.answers)


def _look_at(*given: ValidationData) -> None:
    """Raises `Malformed` for a token that is no element of ASN.1: no reader could do anything with it."""
    for one in given:
        for kind in _kinds(one):
            for token in kind:
                try:
                    ber.read(token)
                except Malformed as error:
                    raise Malformed(f"Validation data for the PDF is not DER: {error}") from error


def _contents_ids(update: Update, related: Sequence[Related]) -> Mapping[str, str]:
    """What VRI calls the signature of each field that is named."""
    ids: dict[str, str] = {}
    signed = dictionaries(update.view) if related else ()
    for one in related:
        contents = [entry.entries.get("Contents") for entry in signed if one.field in entry.fields]
        if not contents or not isinstance(contents[0], bytes):
            raise Rejected(
                "pdf.no-signature",
                f"The field {one.field!r:.100} has no signature that validation data can be for.",
            )
        ids[one.field] = contents_id(contents[0])
    return ids


def _held(update: Update) -> Mapping[str, Mapping[bytes, Ref]]:
    """What the store has already, by its octets."""
    view = update.view
    store = view.entries(view.root.get("DSS"))
    held: dict[str, dict[bytes, Ref]] = {}
    for key in _KEYS:
        held[key] = {}
        for one in view.items(store.get(key)):
            stream = view.get(one)
            if isinstance(one, Ref) and isinstance(stream, Stream):
                held[key].setdefault(view.plain(stream), one)
    return held


@implements("EN319142-1:5.4.2-GEN-VRI")
def _relate(
    update: Update,
    store: dict[str, Object],
    related: Sequence[Related],
    keys: Mapping[str, str],
    references: Sequence[Mapping[bytes, Ref]],
) -> None:
    """The dictionaries of VRI; what was there for a signature stays, behind it comes what is new."""
    all_related = update.inside(store, "VRI", dict)
    for one in related:
        entries = update.inside(all_related, keys[one.field], dict)
        for number, key in enumerate(_RELATED_KEYS):
            wanted = [references[number][token] for token in dict.fromkeys(_kinds(one.data)[number])]
            if wanted:
                listed = update.inside(entries, key, list)
                listed.extend(reference for reference in wanted if reference not in listed)
        if one.time is not None:
            entries["TU"] = date(one.time)
