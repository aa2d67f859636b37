"""Whether what is asked for can be asked for: every choice has a place in the format, and none is dropped.

`forms.FORMS` is the table of what there is; the rules take a `Request` alone. Each raises `Rejected` with a
sentence that says what to do. What only the documents themselves show (whether a PDF may be signed, whether a
name is free) is told by the writers of the formats.
Sources: EN 319 132-1, 122-1, 142-1, 162-1 and TS 119 182-1, 4 to 6; RFC 7515, 7; EN 319 102-1, 4.2.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.signing.model import (
    CadesChoices,
    Format,
    JadesChoices,
    Level,
    Onto,
    Packaging,
    PadesChoices,
    XadesChoices,
)
from trustworks.signing.rules.claims import binds_its_policy, claims_something, says_it_in_text
from trustworks.signing.rules.content import has_a_payload, has_a_written_media_type, is_what_it_says
from trustworks.signing.rules.forms import FORMS, form_of
from trustworks.signing.rules.identifiers import names_what_can_be_known
from trustworks.signing.rules.times import says_when

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from trustworks.signing.model import Request

_SAID: Final[Mapping[Format, str]] = {
    Format.XADES: "XAdES",
    Format.CADES: "CAdES",
    Format.PADES: "PAdES",
    Format.JADES: "JAdES",
}
_CHOICES: Final = MappingProxyType(
    {
        Format.XADES: ("xades", XadesChoices()),
        Format.CADES: ("cades", CadesChoices()),
        Format.PADES: ("pades", PadesChoices()),
        Format.JADES: ("jades", JadesChoices()),
    }
)


@implements("TRUSTWORKS:SIGNING-REQUEST-FORM", "TS119101:SCP-79")
def is_a_form(request: Request) -> None:
    """Format, container and packaging go together."""
    if form_of(request) is not None:
        return
    inside = [one for one in FORMS if one[0] is request.format]
    here = [one[2] for one in inside if one[1] is request.container]
    if not here:
        raise Rejected(
            "signing.container",
            f"{_SAID[request.format]} signatures are not put into an {request.container}. Sign with CAdES or "
            "XAdES for a container, or leave it out.",
        )
    raise Rejected(
        "signing.packaging",
        f"{_SAID[request.format]} is not made {request.packed_as}"
        f"{f' in an {request.container}' if request.container else ''}. Use {_either(here)}.",
    )


@implements("TRUSTWORKS:SIGNING-REQUEST-DOCUMENTS")
def has_its_documents(request: Request) -> None:
    """There is a document, and not more of them than the form is for."""
    form = form_of(request)
    if not request.documents:
        raise Rejected("signing.documents", "There is nothing to be signed. Give a document.")
    if form is None or request.onto is not Onto.NEW or len(request.documents) == 1:
        return
    unnamed = request.format is Format.JADES and request.jades.mechanism == "none"
    if not form.several or unnamed:
        instead = (
            "Name them in the signature (mechanism hash)"
            if unnamed and form.several
            else "Sign each by itself, or all in an ASiC-E"
        )
        raise Rejected(
            "signing.documents",
            f"One document is signed so, and {len(request.documents)} were given. {instead}.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-ONTO")
def can_be_added(request: Request) -> None:
    """A signature that is added to others has a place there."""
    form = form_of(request)
    if form is None or request.onto in form.onto:
        return
    kind = "a counter-signature" if request.onto is Onto.COUNTER else "a signature beside others"
    where = f"{_SAID[request.format]} {request.packed_as}"
    where += f" in an {request.container}" if request.container else ""
    raise Rejected(
        "signing.onto", f"{where} has no place for {kind}. Sign the documents anew, in a file of its own."
    )


@implements("TRUSTWORKS:SIGNING-REQUEST-TARGET")
def has_a_use_for_its_target(request: Request) -> None:
    """Which signature is meant is said of a counter-signature, and of nothing else."""
    if request.target is not None and request.onto is not Onto.COUNTER:
        raise Rejected(
            "signing.target",
            "A signature is named as the one that is countersigned, and no counter-signature is asked for. "
            "Ask for one, or leave the name out.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-LEVEL")
def has_a_place_for_the_level(request: Request) -> None:
    """What a level adds has a place: a compact JWS has none, and in a counter-signature none is made."""
    if request.level is Level.B:
        return
    if request.format is Format.JADES and request.jades.serialization == "compact":
        raise Rejected(
            "signing.level",
            f"A compact JWS has no place for the time-stamps of {request.level}. Take the flattened "
            "serialization, or ask for B-B.",
        )
    if request.onto is Onto.COUNTER:
        raise Rejected(
            "signing.level",
            f"A counter-signature is made at B-B, and {request.level} was asked for. Ask for B-B, and then "
            "for a higher level of the signature that it is in.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-CHOICES")
def drops_no_choice(request: Request) -> None:
    """What is chosen is of the format that is asked for; a choice that does nothing is not passed over."""
    for format_, (name, nothing) in _CHOICES.items():
        if format_ is not request.format and getattr(request, name) != nothing:
            raise Rejected(
                "signing.choice",
                f"Something is chosen for {_SAID[format_]}, and the signature is {_SAID[request.format]}. "
                "Leave it out.",
            )


@implements("TRUSTWORKS:SIGNING-REQUEST-XADES")
def chooses_for_the_packaging(request: Request) -> None:
    """What is chosen of XAdES goes with where the documents are."""
    chosen, packed = request.xades, request.packed_as
    inside = {Packaging.ENVELOPED, Packaging.INTERNALLY_DETACHED}
    wanted: list[tuple[bool, str, bool]] = [
        (bool(chosen.parts), "identifiers of parts", packed is Packaging.INTERNALLY_DETACHED),
        (chosen.within is not None, "the element that it is put into", packed in inside),
        (chosen.as_xml, "documents as XML", packed is Packaging.ENVELOPING),
        (chosen.beside_others, "others beside it", packed is Packaging.ENVELOPED),
        (chosen.manifest, "a manifest", packed is Packaging.DETACHED and request.container is None),
    ]
    for given, what, fits in wanted:
        if given and not fits:
            raise Rejected(
                "signing.choice",
                f"An XAdES signature that is {packed} is not made with {what}. Leave it out, or choose "
                "another packaging.",
            )
    named = bool(chosen.parts) or packed is not Packaging.INTERNALLY_DETACHED
    if request.format is Format.XADES and not named and request.onto is not Onto.COUNTER:
        raise Rejected(
            "signing.choice",
            "Of an XML document of which parts are signed no part is named. Give their identifiers.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-JADES")
def has_a_place_in_json(request: Request) -> None:
    """A compact JWS is one signature by itself (RFC 7515, 7.1); a payload in it is not named elsewhere."""
    chosen = request.jades
    if request.format is not Format.JADES:
        return
    if chosen.mechanism != "hash" and request.packed_as is Packaging.ENVELOPING:
        raise Rejected(
            "signing.choice",
            "How a JAdES signature names its document is chosen, and the document is in it. Leave the "
            "mechanism out, or ask for a detached signature.",
        )
    if chosen.serialization == "compact" and request.onto is not Onto.NEW:
        raise Rejected(
            "signing.onto",
            "A compact JWS holds one signature alone. Take the flattened or general serialization.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-REASON")
def says_why_once(request: Request) -> None:
    """A PDF says why it was signed by a reason, or by commitments and a policy, and where once (6.3)."""
    if request.format is not Format.PADES:
        return
    claims, chosen = request.claims, request.pades
    if chosen.reason is not None and (claims.commitments or claims.policy is not None):
        raise Rejected(
            "signing.reason",
            "A PDF signature of the baseline has a reason, or else a commitment or a policy. Leave one out.",
        )
    if chosen.location is not None and claims.location:
        raise Rejected(
            "signing.location", "The place of the signature is given twice, and a PDF has one. Leave one out."
        )


_WHOLE: Final[Mapping[Format, str]] = MappingProxyType(
    {
        Format.XADES: "XML is read as a whole, into several times its size in memory.",
        Format.JADES: "JSON is read as a whole, and a JWS has its payload in base64, a third longer.",
        Format.CADES: "a signer is added to a CMS structure in memory.",
    }
)
"""Why a format holds what it is around."""


@implements("TRUSTWORKS:SIGNING-REQUEST-SIZE")
def can_be_held(request: Request, most: int) -> None:
    """Documents that the signature stands in, or that stand in it, are no more than our reader reads again.

    `most` octets of them; detached ones, PDF, those in a container and the content of a CMS structure are
    read in portions. Raises `Rejected` (``signing.too-large``).
    """
    if request.container is not None or request.format is Format.PADES:
        return
    if request.onto is Onto.NEW and (
        request.packed_as is Packaging.DETACHED or request.format is Format.CADES
    ):
        return
    held = request.documents if request.onto is Onto.NEW else request.documents[:1]
    size = sum(one.data.size for one in held)
    if size > most:
        raise Rejected(
            "signing.too-large",
            f"The documents have {size} octets; {most} are the most that a signature has in it or is added "
            f"to: {_WHOLE[request.format]} Sign them detached, or in an ASiC-E.",
        )


@implements("TRUSTWORKS:SIGNING-REFERENCE-HASH", "TS119101:SCP-80", "EN419111:2-CRYPTOGRAPHY")
def digests_reliably(request: Request) -> None:
    """References are by a hash function that may be relied on: XML has names for weaker ones."""
    if request.hash_name not in HASHES:
        raise Rejected(
            "digest.unknown",
            f"Nothing new is digested by {request.hash_name[:40]!r}. Use one of {', '.join(HASHES)}.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-CONTENT-STAMP")
def has_content_to_stamp(request: Request) -> None:
    """A content time-stamp is over documents; a counter-signature is over a value, which was there before."""
    if request.content_time_stamp and request.onto is Onto.COUNTER:
        raise Rejected(
            "signing.content-time-stamp",
            "A counter-signature is over another signature and not over documents, so that no content "
            "time-stamp is made for it. Leave it out.",
        )


RULES: Final[tuple[Callable[[Request], None], ...]] = (
    is_a_form,
    has_its_documents,
    can_be_added,
    has_a_place_in_json,
    has_a_use_for_its_target,
    has_a_place_for_the_level,
    drops_no_choice,
    chooses_for_the_packaging,
    has_content_to_stamp,
    digests_reliably,
    says_when,
    says_it_in_text,
    binds_its_policy,
    claims_something,
    names_what_can_be_known,
    says_why_once,
    has_a_payload,
    has_a_written_media_type,
    is_what_it_says,
)


@implements("ART24-2-E:D-1-d")
def check(request: Request) -> None:
    """The request is consistent.

    Raises:
        Rejected: ``signing.…``, ``digest.unknown``.
    """
    for rule in RULES:
        rule(request)


def _either(packagings: list[Packaging]) -> str:
    *names, last = packagings
    return f"{', '.join(names)} or {last}" if names else last.value
