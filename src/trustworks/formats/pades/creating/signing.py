"""Adds a signature or a document time-stamp to a PDF in three steps: prepare, sign elsewhere, complete.

Preparing reads the file once, in portions, and gives what is to be signed and its digest; nothing else has to
be kept for completing than what it answers, which can be written down. Source: EN 319 142-1, 5.3 and 5.4.3;
ISO 32000-2, 12.8.1.
"""

from __future__ import annotations

from dataclasses import field, fields
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.values import dataclass
from trustworks.formats.data import Extended, Joined, Octets, hasher
from trustworks.formats.dtbs import Fields, packed
from trustworks.formats.limits import DEFAULT
from trustworks.formats.pades.contents import DETACHED
from trustworks.formats.pades.creating import look, permitted
from trustworks.formats.pades.creating.archival import LONGEST, archival_of, may_have_room
from trustworks.formats.pades.creating.form import put_field
from trustworks.formats.pades.creating.own import check_contents
from trustworks.formats.pades.creating.update import updating
from trustworks.formats.pades.creating.wanted import ROOM, check_room
from trustworks.formats.pades.creating.written import date, octets_of, text
from trustworks.formats.pades.entries import TIME_STAMP
from trustworks.formats.pades.fields import signature_fields
from trustworks.formats.pades.syntax import Name

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits
    from trustworks.formats.pades.creating.update import Update
    from trustworks.formats.pades.creating.wanted import Lock, Wanted
    from trustworks.formats.pades.syntax import Object, Ref

_KIND: Final = "PDF"
_HANDLER: Final = "Adobe.PPKLite"
_RANGE: Final = 40
"""Octets for the last three numbers of ByteRange: enough for files of a terabyte."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """A PDF with a signature or a time-stamp to come. `digest` is of `covered`, by `hash_name`.

    `appended` comes behind the `size` octets of the file, whose own digest is `digest_before`; its Contents,
    all zeros, stand from `gap_begin` to `gap_end` of it, with their brackets. `field` is the field's name.
    """

    hash_name: str
    digest: bytes
    size: int
    digest_before: bytes
    appended: bytes = field(repr=False)
    gap_begin: int
    gap_end: int
    field: str
    time_stamp: bool

    def encode(self) -> bytes:
        """It as octets, to be stored between the steps."""
        said = {one.name: getattr(self, one.name) for one in fields(self)}
        return packed(_KIND, said | {"time_stamp": int(self.time_stamp)})

    @classmethod
    def decode(cls, octets: bytes) -> Prepared:
        """What `encode` wrote. Raises `Malformed`."""
        read = Fields(_KIND, octets)
        found = cls(
            hash_name=read.text("hash_name"),
            digest=read.octets("digest"),
            size=read.number("size"),
            digest_before=read.octets("digest_before"),
            appended=read.octets("appended"),
            gap_begin=read.number("gap_begin"),
            gap_end=read.number("gap_end"),
            field=read.text("field"),
            time_stamp=bool(read.number("time_stamp")),
        )
        gap = found.appended[found.gap_begin : found.gap_end]
        if gap[:1] + gap[-1:] != b"<>" or gap[1:-1].strip(b"0"):
            raise Malformed("The prepared PDF signature has no room where it says that it has.")
        return found

    @property
    def room(self) -> int:
        """Octets that a signature may have."""
        return (self.gap_end - self.gap_begin - 2) // 2

    def covered(self, before: Data) -> Data:
        """The octets to be signed, of the file that was prepared: the content of the CMS (detached)."""
        parts = (self.appended[: self.gap_begin], self.appended[self.gap_end :])
        return Joined((before, *map(Octets, parts)), before.name)

    def complete(self, contents: bytes, before: Data, *, at_hand: Iterable[bytes] = ()) -> Extended:
        """The signed file: CMS over `covered` (or a time-stamp token) put in its place, which was verified.

        The file that was prepared is read here, and once more when the answer is: `Rejected`
        (``data.changed``) then says that it is another. `at_hand` are certificates (DER) of which a token may
        be that does not bring its own, such as those of the file.

        Raises:
            Malformed: `contents` is no CMS or no token.
            Rejected: ``pdf.contents``: it is empty, or has more octets than there is room for;
                ``data.changed``: the file is not the one that was prepared, or what was prepared was changed;
                ``signature.content``: it is over something else; ``signature.own``: it does not verify.
        """
        if not 0 < len(contents) <= self.room:
            raise Rejected(
                "pdf.contents",
                f"The signature has {len(contents)} octets, and the PDF has room for 1 to {self.room}. "
                "Prepare it again with more room.",
            )
        covered = self.covered(before)
        if covered.digest(self.hash_name) != self.digest:
            raise Rejected(
                "data.changed",
                f"{before.name or 'The file'}, or what was prepared of it, was changed since. Prepare it "
                "again.",
            )
        check_contents(contents, covered, time_stamp=self.time_stamp, at_hand=at_hand)
        value = contents.hex().encode().ljust(2 * self.room, b"0")
        signed = b"<".join((self.appended[: self.gap_begin], value + self.appended[self.gap_end - 1 :]))
        return Extended(before, signed, self.hash_name, self.digest_before, before.name)


def prepare(data: Data, wanted: Wanted, *, hash_name: str = "sha256", limits: Limits = DEFAULT) -> Prepared:
    """Prepares a signature (SubFilter ETSI.CAdES.detached); `hash_name` is what digests the covered octets.

    Raises:
        Malformed: it is no PDF that can be read.
        Rejected: with a code ``pdf.…``: the file, or what is in it, does not let itself be signed so.
    """
    with updating(data, limits) as update:
        found = permitted.earlier(update.view)
        permitted.is_open(found)
        permitted.has_no_placeholder(update.view)
        permitted.certifies_first(found, wanted.certify)
        entries = _claims(wanted)
        lock = _look_at_field(update, wanted, hash_name)
        references = _references(update, wanted, lock)
        if references:
            entries["Reference"] = references
        value = _dictionary(update, "Sig", DETACHED, wanted.room, entries)
        name, made = put_field(
            update, wanted.field, value, wanted.widget, look.SIGNATURE, signed=found.signed
        )
        permitted.is_unlocked(found, name)
        if wanted.lock is not None:
            permitted.locks_what_is_there(update.view, wanted.lock, name)
        if wanted.lock is not None and (held := update.edit(made, dict)) is not None:
            held["Lock"] = update.add({"Type": Name("SigFieldLock"), **_lock(wanted.lock)})
        if wanted.certify is not None:
            update.inside(update.catalogue(), "Perms", dict)["DocMDP"] = value
        return _frozen(data, update, value, name, hash_name, time_stamp=False)


def prepare_time_stamp(
    data: Data,
    *,
    field: str | None = None,
    room: int = ROOM,
    hash_name: str = "sha256",
    limits: Limits = DEFAULT,
) -> Prepared:
    """Prepares a document time-stamp (SubFilter ETSI.RFC3161); its token is to be over `Prepared.digest`.

    Raises:
        Malformed, Rejected: as `prepare` does. A certification never forbids it.
    """
    check_room(room)
    with updating(data, limits) as update:
        found = permitted.earlier(update.view)
        permitted.is_unlocked(found, field)
        value = _dictionary(update, "DocTimeStamp", TIME_STAMP, room, {})
        name, _ = put_field(update, field, value, None, look.TIME_STAMP, signed=found.signed)
        return _frozen(data, update, value, name, hash_name, time_stamp=True)


def _claims(wanted: Wanted) -> dict[str, Object]:
    """What the dictionary says of the signature: in the octets that are signed."""
    said = {
        "Name": wanted.name,
        "Reason": wanted.reason,
        "Location": wanted.location,
        "ContactInfo": wanted.contact,
    }
    return {"M": date(wanted.time), **{key: text(one) for key, one in said.items() if one is not None}}


def _look_at_field(update: Update, wanted: Wanted, hash_name: str) -> dict[str, Object] | None:
    """The lock that an existing field demands of its signature, after its seed values were looked at."""
    for one in signature_fields(update.view):
        if one.name == wanted.field:
            offered = {
                "Filter": _HANDLER,
                "SubFilter": DETACHED,
                "Reasons": wanted.reason,
                "DigestMethod": hash_name.upper(),
            }
            permitted.meets_seed(update.view, one, offered)
            lock = update.view.entries(one.entries.get("Lock"))
            return {key: lock[key] for key in ("Action", "Fields") if key in lock} or None
    return None


def _lock(lock: Lock) -> dict[str, Object]:
    entries: dict[str, Object] = {"Action": Name(lock.action)}
    if lock.fields:
        entries["Fields"] = [text(one) for one in lock.fields]
    return entries


def _references(update: Update, wanted: Wanted, demanded: dict[str, Object] | None) -> list[Object]:
    """The signature references: what may be changed afterwards (12.8.1, table 256)."""
    lock = demanded if wanted.lock is None else _lock(wanted.lock)
    methods: list[tuple[str, dict[str, Object]]] = []
    if wanted.certify is not None:
        methods.append(("DocMDP", {"P": wanted.certify}))
    if lock is not None:
        methods.append(("FieldMDP", lock))
    return [
        {
            "Type": Name("SigRef"),
            "TransformMethod": Name(method),
            "TransformParams": {"Type": Name("TransformParams"), **parameters, "V": Name("1.2")},
            "Data": update.root,
        }
        for method, parameters in methods
    ]


def _dictionary(update: Update, kind: str, sub_filter: str, room: int, entries: dict[str, Object]) -> Ref:
    """A signature dictionary with blanks for its byte range and zeros for its Contents."""
    if room > LONGEST:
        may_have_room(archival_of(update.view).part, room)
    head: dict[str, Object] = {
        "Type": Name(kind),
        "Filter": Name(_HANDLER),
        "SubFilter": Name(sub_filter),
    }
    value = update.add(None)
    body = b"%b /ByteRange [0%b] /Contents <%b> %b" % (
        octets_of(head).removesuffix(b" >>"),
        b" " * _RANGE,
        b"0" * (2 * room),
        octets_of(update.sealed(entries, value)).removeprefix(b"<< "),
    )
    update.put_octets(value, body)
    return value


def _frozen(
    data: Data, update: Update, value: Ref, name: str, hash_name: str, *, time_stamp: bool
) -> Prepared:
    """The update as octets with its byte range, and the digest of what that names; the file is read once."""
    appended = bytearray(update.octets())
    range_begin = appended.index(b"/ByteRange [0", update.begins[value.number]) + len(b"/ByteRange [0")
    gap_begin = appended.index(b"/Contents <", range_begin) + len(b"/Contents ")
    gap_end = appended.index(b">", gap_begin) + 1
    numbers = (update.size + gap_begin, update.size + gap_end, len(appended) - gap_end)
    appended[range_begin : range_begin + _RANGE] = (b" %d %d %d" % numbers).ljust(_RANGE)
    running = hasher(hash_name)
    for portion in data.portions():
        running.update(portion)
    before = running.digest()
    running.update(appended[:gap_begin])
    running.update(appended[gap_end:])
    return Prepared(
        hash_name=hash_name,
        digest=running.digest(),
        size=update.size,
        digest_before=before,
        appended=bytes(appended),
        gap_begin=gap_begin,
        gap_end=gap_end,
        field=name,
        time_stamp=time_stamp,
    )
