"""Whether what is asked for can be asked for: every choice has a place in the format, and none is dropped.

`FORMS` is the table of what there is; the other rules take a `Request` alone. Each raises `Rejected` with a
sentence that says what to do. What only the documents themselves show (whether a PDF may be signed, whether a
name is free) is told by the writers of the formats.
Sources: EN 319 132-1, 122-1, 142-1, 162-1 and TS 119 182-1, 4 to 6; RFC 7515, 7; EN 319 102-1, 4.2.
"""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.data import Octets
from trustworks.signing.model import (
    CadesChoices,
    Container,
    Format,
    JadesChoices,
    Level,
    Onto,
    Packaging,
    PadesChoices,
    XadesChoices,
)
from trustworks.signing.rules.identifiers import names_what_can_be_known

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from datetime import datetime

    from trustworks.formats.claims import Claims
    from trustworks.formats.evidence import Attributes, PolicyReference
    from trustworks.signing.model import Request

_AHEAD: Final = timedelta(minutes=5)
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


@dataclass(frozen=True, slots=True)
class Form:
    """How documents and signature stand together: how many documents, and what can be added to it later.

    `several`: more than one document. `onto`: in which relation to signatures that are there.
    """

    several: bool
    onto: frozenset[Onto]


_ALL: Final = frozenset(Onto)
_BESIDE: Final = frozenset({Onto.NEW, Onto.PARALLEL})
_ONCE: Final = frozenset({Onto.NEW})
_AROUND: Final = frozenset({Onto.NEW, Onto.COUNTER})

FORMS: Final[Mapping[tuple[Format, Container | None, Packaging], Form]] = MappingProxyType(
    {
        # A second signature over files that are elsewhere is a file of its own.
        (Format.XADES, None, Packaging.ENVELOPED): Form(several=False, onto=_ALL),
        (Format.XADES, None, Packaging.ENVELOPING): Form(several=True, onto=_AROUND),
        (Format.XADES, None, Packaging.DETACHED): Form(several=True, onto=_AROUND),
        (Format.XADES, None, Packaging.INTERNALLY_DETACHED): Form(several=False, onto=_ALL),
        (Format.XADES, Container.ASIC_S, Packaging.DETACHED): Form(several=False, onto=_ONCE),
        (Format.XADES, Container.ASIC_E, Packaging.DETACHED): Form(several=True, onto=_BESIDE),
        (Format.CADES, None, Packaging.ENVELOPING): Form(several=False, onto=_ALL),
        (Format.CADES, None, Packaging.DETACHED): Form(several=False, onto=_ALL),
        (Format.CADES, Container.ASIC_S, Packaging.DETACHED): Form(several=False, onto=_ONCE),
        (Format.CADES, Container.ASIC_E, Packaging.DETACHED): Form(several=True, onto=_BESIDE),
        # Each further signature of a PDF is over those before it.
        (Format.PADES, None, Packaging.ENVELOPED): Form(several=False, onto=_BESIDE),
        (Format.JADES, None, Packaging.ENVELOPING): Form(several=False, onto=_ALL),
        (Format.JADES, None, Packaging.DETACHED): Form(several=True, onto=_ALL),
    }
)
"""Everything that is made. What is not here is not made."""


@implements("TRUSTWORKS:SIGNING-REQUEST-FORM", "TS119101:SCP-79")
def is_a_form(request: Request) -> None:
    """Format, container and packaging go together."""
    if _form(request) is not None:
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
    form = _form(request)
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
    form = _form(request)
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


@implements("TRUSTWORKS:SIGNING-REQUEST-TIME")
def says_when(request: Request) -> None:
    """A signature of the baseline claims a time, with its zone."""
    claimed = request.claims.signing_time
    if claimed is None:
        raise Rejected(
            "signing.time", "A signature says when it was made, and no time is given. Give it, in UTC."
        )
    if claimed.tzinfo is None:
        raise Rejected("signing.time", "The time of a signature needs its zone. Give it in UTC.")


@implements("TRUSTWORKS:SIGNING-TIME-TRUE")
def check_claimed_time(claims: Claims, now: datetime, tolerance: timedelta = _AHEAD) -> None:
    """The time that is claimed is that of the signature, give or take `tolerance`.

    Raises `Rejected` (``signing.time``).
    """
    claimed = claims.signing_time
    if claimed is not None and abs(claimed - now) > tolerance:
        raise Rejected(
            "signing.time",
            f"The signature would claim {claimed:%Y-%m-%d %H:%M:%S} UTC, and it is "
            f"{now:%Y-%m-%d %H:%M:%S} UTC. Leave the time out, so that it is put in here.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-SIZE")
def can_be_held(request: Request, most: int) -> None:
    """Documents that the signature stands in, or that stand in it, are no more than our reader reads again.

    `most` octets of them; detached ones, PDF and those in a container are read in portions. Raises `Rejected`
    (``signing.too-large``).
    """
    if request.container is not None or request.format is Format.PADES:
        return
    if request.packed_as is Packaging.DETACHED and request.onto is Onto.NEW:
        return
    held = request.documents if request.onto is Onto.NEW else request.documents[:1]
    size = sum(one.data.size for one in held)
    if size > most:
        raise Rejected(
            "signing.too-large",
            f"The documents have {size} octets; {most} are the most that a signature has in it. Sign them "
            "detached, or in an ASiC-E.",
        )


@implements("TRUSTWORKS:SIGNING-PREPARED-TIME")
def check_prepared_time(attributes: Attributes, now: datetime, max_age: timedelta) -> None:
    """What was prepared is completed within `max_age` of the time that it claims.

    Raises `Rejected` (``signing.too-old``).
    """
    claimed = attributes.signing_time
    if claimed is None or not -_AHEAD <= now - claimed <= max_age:
        said = "no time" if claimed is None else f"{claimed:%Y-%m-%d %H:%M:%S} UTC"
        raise Rejected(
            "signing.too-old",
            f"What was prepared claims {said}, and it is {now:%Y-%m-%d %H:%M:%S} UTC: it is completed within "
            f"{max_age.total_seconds() / 3600:g} hours, or prepared anew.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-POLICY", "TS119101:SCP-44")
def binds_its_policy(request: Request) -> None:
    """A signature policy is named with a digest of its document, by a hash function that may be relied on.

    Where the document is given too, the digest is its own.
    """
    policy = request.claims.policy
    if policy is None or policy.identifier is None:
        return
    if policy.digest is None or policy.digest_algorithm is None:
        raise Rejected(
            "signing.policy",
            f"Of the signature policy {policy.identifier[:80]} no digest is given, so that another document "
            "could be taken for it. Give its digest, by SHA-256 say.",
        )
    function = HASHES.get(policy.digest_algorithm)
    if function is None:
        raise Rejected(
            "signing.policy",
            f"The signature policy is digested by {policy.digest_algorithm[:40]}, which is not relied on. "
            f"Use one of {', '.join(HASHES)}.",
        )
    if len(policy.digest) != function.size:
        raise Rejected(
            "signing.policy",
            f"The digest of the signature policy has {len(policy.digest)} octets, and {function.name} gives "
            f"{function.size}. Give all of it.",
        )
    if not _is_digest_of_document(policy):
        raise Rejected(
            "signing.policy",
            "The digest of the signature policy is not that of the document which is given with it. Give "
            "the one that belongs to the other.",
        )


@implements("TRUSTWORKS:SIGNING-REQUEST-CLAIMS", "TS119101:SCP-79")
def claims_something(request: Request) -> None:
    """Roles, commitments and parts of a place say something, and nothing twice."""
    claims = request.claims
    said: list[tuple[str, tuple[str, ...]]] = [
        ("role", claims.claimed_roles),
        ("commitment", claims.commitments),
        ("part of the place", tuple((claims.location or {}).values())),
    ]
    for what, values in said:
        if any(not one.strip() for one in values):
            raise Rejected("signing.claims", f"A {what} is empty. Leave it out.")
    for what, values in said[:2]:
        if len(set(values)) != len(values):
            raise Rejected("signing.claims", f"A {what} is claimed twice. Claim it once.")
    if len(set(claims.certified_roles)) != len(claims.certified_roles):
        raise Rejected("signing.claims", "A certified role is given twice. Give it once.")


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
    binds_its_policy,
    claims_something,
    names_what_can_be_known,
    says_why_once,
)


@implements("ART24-2-E:D-1-d")
def check(request: Request) -> None:
    """The request is consistent.

    Raises:
        Rejected: ``signing.…``, ``digest.unknown``.
    """
    for rule in RULES:
        rule(request)


def _form(request: Request) -> Form | None:
    return FORMS.get((request.format, request.container, request.packed_as))


def _is_digest_of_document(policy: PolicyReference) -> bool:
    """Whether a given document has the digest; a document that is transformed first is not looked at."""
    if policy.octets is None or policy.transforms or policy.specification is not None:
        return True
    return Octets(policy.octets).digest(policy.digest_algorithm or "") == policy.digest


def _either(packagings: list[Packaging]) -> str:
    *names, last = packagings
    return f"{', '.join(names)} or {last}" if names else last.value
