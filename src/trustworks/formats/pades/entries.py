"""One signature or document time-stamp of a PDF while it is read, and what its dictionary says by itself."""

from __future__ import annotations

from dataclasses import field, replace
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.pades.dates import date_of
from trustworks.formats.pades.fields import text_of

if TYPE_CHECKING:
    from trustworks.formats.evidence import Attributes
    from trustworks.formats.pades.byte_range import ByteRange
    from trustworks.formats.pades.contents import Signed
    from trustworks.formats.pades.fields import SignatureDictionary
    from trustworks.formats.pades.permissions import Permissions
    from trustworks.formats.pades.view import View

TIME_STAMP: Final = "ETSI.RFC3161"
"""The SubFilter of document time-stamps (EN 319 142-1, 5.4.3)."""

_ONCE: Final = frozenset({"Contents", "ByteRange", "SubFilter", "Type"})


@dataclass(slots=True)
class Entry:
    """A signature dictionary with its byte range, and what was read out of it.

    `data` is the id of what its byte range covers, `own` ids of all that stands in its own octets: itself,
    its tokens, its time-stamps and its data.
    """

    dictionary: SignatureDictionary
    byte_range: ByteRange
    number: int = 0
    signed: Signed | None = None
    time_stamp: str | None = None
    data: str = ""
    own: set[str] = field(default_factory=set)
    permissions: Permissions | None = None

    @property
    def name(self) -> str:
        """The full name of its (first) field."""
        return self.dictionary.fields[0]

    @property
    def is_time_stamp(self) -> bool:
        """Whether it is a document time-stamp."""
        return self.dictionary.sub_filter == TIME_STAMP

    @property
    def contents(self) -> bytes:
        """Its Contents; empty where it has none."""
        found = self.dictionary.entries.get("Contents")
        return found if isinstance(found, bytes) else b""

    @property
    def filter(self) -> str | None:
        """The handler that it names."""
        found = self.dictionary.entries.get("Filter")
        return found if isinstance(found, str) else None

    def is_covered_by(self, outer: Entry) -> bool:
        """Whether a later one covers all that this one covers, with its Contents."""
        return self.byte_range.end <= outer.byte_range.gap[0] and self.byte_range.end < outer.byte_range.end

    def findings(self) -> tuple[Finding, ...]:
        """What is wrong with its byte range and its dictionary."""
        return (*self.byte_range.findings, *dictionary_is_sound(self.dictionary))


def with_claims(view: View, entry: Entry, attributes: Attributes) -> Attributes:
    """Signed attributes with what the dictionary says: M, Reason, Location, Name, ContactInfo.

    They are in the byte range, and so as signed as the attributes of the CMS.
    """
    entries = entry.dictionary.entries
    claims: dict[str, str] = {}
    for key in ("Reason", "Location", "Name", "ContactInfo"):
        value = view.get(entries.get(key))
        if isinstance(value, bytes) and value:
            claims[key] = text_of(value)
    place = {"place": claims["Location"]} if "Location" in claims else {}
    contact = {"contact": claims["ContactInfo"]} if "ContactInfo" in claims else {}
    return replace(
        attributes,
        signing_time=date_of(view.get(entries.get("M"))) or attributes.signing_time,
        reason=claims.get("Reason", attributes.reason),
        signer_name=claims.get("Name", attributes.signer_name),
        location={**(attributes.location or {}), **place, **contact} or None,
    )


@implements("ISO32000-2:12.8.1-TYPE", disabled=())
def kind_is_clear(dictionary: SignatureDictionary) -> tuple[Finding, ...]:
    """Passes over a dictionary whose Type says the one thing and whose SubFilter the other."""
    expected = "DocTimeStamp" if dictionary.sub_filter == TIME_STAMP else "Sig"
    if dictionary.type in {None, expected}:
        return ()
    return (
        Finding(
            code="pades.dictionary-type",
            text=f"The signature dictionary of the field {dictionary.fields[0]} is of the type "
            f"{dictionary.type} and its SubFilter is {dictionary.sub_filter}: it is neither a signature nor "
            "a time-stamp, and is passed over.",
            weight=Weight.SUSPICIOUS,
            requirement="ISO32000-2:12.8.1-TYPE",
        ),
    )


@implements("ISO32000-2:12.8.1-ONCE", disabled=())
def dictionary_is_sound(dictionary: SignatureDictionary) -> tuple[Finding, ...]:
    """Objects to keys that stand twice in a signature dictionary, and to one dictionary in several fields."""
    found: list[Finding] = []
    if dictionary.twice & _ONCE:
        found.append(
            Finding(
                code="pades.twice",
                text=f"The signature dictionary has more than one {', '.join(sorted(dictionary.twice))}: "
                "readers take one or the other.",
                weight=Weight.FATAL,
                requirement="ISO32000-2:12.8.1-ONCE",
            )
        )
    if len(dictionary.fields) > 1:
        found.append(
            Finding(
                code="pades.shared-dictionary",
                text=f"The fields {', '.join(dictionary.fields)} have the same signature as value, and show "
                "it more than once.",
                weight=Weight.SUSPICIOUS,
                requirement="ISO32000-2:12.8.1-ONCE",
            )
        )
    return tuple(found)


def nothing_covered(dictionary: SignatureDictionary) -> Finding:
    """A signature dictionary whose byte range names no octets."""
    return Finding(
        code="pades.no-byte-range",
        text=f"The signature in the field {dictionary.fields[0]} has no byte range that names octets: it "
        "covers nothing, and is none.",
        weight=Weight.SUSPICIOUS,
        requirement="ISO32000-2:12.8.1-RANGE",
    )


def no_signature(dictionary: SignatureDictionary, why: str) -> Finding:
    """A signature dictionary whose Contents cannot be read."""
    return Finding(
        code="pades.contents",
        text=f"The Contents of the field {dictionary.fields[0]} are no signature: {why}",
        weight=Weight.SUSPICIOUS,
    )


def no_document(entry: Entry) -> Finding:
    """A byte range whose octets are no PDF."""
    return Finding(
        code="pades.no-revision",
        text=f"What the signature in the field {entry.name} covers is no document by itself: its octets "
        "cannot be read as PDF, and what was changed after it cannot be told.",
        weight=Weight.FATAL,
        requirement="ISO32000-2:12.8.1-REVISION",
    )
