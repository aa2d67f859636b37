"""What a reference of a signature covers, and whether its digest is that of what is there.

Nothing is fetched: a reference is to a part of its document, or to data that the caller gives by name.
Transforms are those of a short list; what they do is told step by step. Source: XML Signature 1.1, 4.4.3,
5.1, 6.6.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import TYPE_CHECKING, Final, Literal, Protocol
from urllib.parse import unquote

from trustworks.core.errors import BeyondLimit, Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml.document import Document
from trustworks.core.xml.nodes import NodeSet, subtree, whole_document
from trustworks.core.xml.problems import Problem
from trustworks.core.xml.transforms import Step, apply

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lxml import etree

    from trustworks.core.xml.dsig import Reference
    from trustworks.core.xml.parse import Ids

_POINTER: Final = re.compile(r"""#xpointer\(\s*(?:(/)|id\(\s*(?:'([^']*)'|"([^"]*)")\s*\))\s*\)""")


class Source(Protocol):
    """Signed data that need not be held in memory."""

    @property
    def size(self) -> int:
        """Octets."""

    def octets(self) -> bytes:
        """All octets at once, for transforms."""

    def digest(self, hash_name: str) -> bytes:
        """The digest by a hash function of `hashlib`. Raises `Rejected` for one that is not computed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What a reference covers, as far as its URI and transforms tell.

    `document`: the document of the signature; `element`: a part of it (`target` is what the URI names);
    `external`: data by `name`, or the unnamed data; `nothing`: it was not found. `tops` are the elements
    below which all is covered but `cuts` (`whole` where that begins at the document itself); `partial` tells
    that an XPath expression took out single nodes, so that tops and cuts are not all. Of external data that
    transforms parse, tops and cuts are elements of `root`.
    """

    kind: Literal["document", "element", "external", "nothing"]
    target: etree._Element | None = None
    name: str | None = None
    root: etree._Element | None = None
    whole: bool = False
    tops: tuple[etree._Element, ...] = ()
    cuts: tuple[etree._Element, ...] = ()
    partial: bool = False

    def is_all_but(self, signature: etree._Element) -> bool:
        """Whether it is the whole document less a signature, or all of it, and nothing else is left out."""
        return self.kind == "document" and self.whole and not self.partial and self.cuts in {(), (signature,)}

    def holds(self, element: etree._Element) -> bool:
        """Whether all of an element is covered: a top is at or above it, no cut at, above or below it."""
        if self.root is None or self.partial:
            return False
        above = [element, *element.iterancestors()]
        if above[-1] is not self.root or not (self.whole or any(node in self.tops for node in above)):
            return False
        if any(node in self.cuts for node in above):
            return False
        return not any(element in cut.iterancestors() for cut in self.cuts)


@dataclass(frozen=True, slots=True, kw_only=True)
class Resolved:
    """A reference with what it led to.

    `found` tells whether there was something; `octets` are what was digested, None where it was not found,
    could not be transformed, was digested by its `source` instead of being held, or is more than the limit on
    what is held for one document. `actual` is its digest, None where none was computed; `intact` whether
    it is the expected one.
    """

    reference: Reference
    found: bool
    intact: bool
    actual: bytes | None
    octets: bytes | None
    source: Source | None
    coverage: Coverage
    steps: tuple[Step, ...]
    problem: Problem | None


def resolve(
    reference: Reference,
    document: Document | etree._Element,
    detached: Mapping[str | None, bytes | Source] | None = None,
    *,
    signature: etree._Element | None = None,
) -> Resolved:
    """Find what a reference is to, transform and digest it.

    `detached` is what the caller has beside the document, by the names that references have for it; None
    names what a reference without URI is to. `signature` is the ds:Signature that the enveloped-signature
    transform takes out, where it is not the one around the reference. What the document says raises nothing:
    `problem` tells why something is not found or not intact. Raises `BeyondLimit` where it costs more than is
    spent on one document.
    """
    if not isinstance(document, Document):
        document = Document(document.getroottree().getroot())
    start, coverage, problem = _dereference(reference, document, detached or {})
    if start is None:
        return _unresolved(reference, coverage, problem, found=False)
    try:
        if not isinstance(start, bytes | NodeSet) and not reference.transforms:
            return _digested(reference, coverage, document, source=start)
        if not isinstance(start, bytes | NodeSet):
            start = _read(start, document.limits.octets)
        outcome = apply(reference.transforms, start, document, signature)
    except Rejected as error:
        return _unresolved(reference, coverage, Problem(code=error.code, message=str(error)), found=True)
    except BeyondLimit:
        raise
    except Malformed as error:
        return _unresolved(
            reference, coverage, Problem(code="reference.transform", message=str(error)), found=True
        )
    return _digested(
        reference, _selected(coverage, outcome.nodes), document, octets=outcome.octets, steps=outcome.steps
    )


def resolve_all(
    references: Sequence[Reference],
    document: Document | etree._Element,
    detached: Mapping[str | None, bytes | Source] | None = None,
) -> tuple[Resolved, ...]:
    """Resolve several references of one document, such as those of a signature or a manifest."""
    if not isinstance(document, Document):
        document = Document(document.getroottree().getroot())
    return tuple(resolve(reference, document, detached) for reference in references)


def _dereference(  # noqa: PLR0911 - a case for each form of URI
    reference: Reference, document: Document, detached: Mapping[str | None, bytes | Source]
) -> tuple[bytes | NodeSet | Source | None, Coverage, Problem | None]:
    """What a URI names (XML Signature 1.1, 4.4.3.2 and 4.4.3.3)."""
    uri = reference.uri
    nothing = Coverage(kind="nothing", name=uri)
    if not uri:
        if uri is None or document.root is None:
            return _external(None, detached, nothing)
        return _whole(document, comments=_keeps_comments(by_pointer=False))
    if uri[0] != "#":
        return _external(uri, detached, nothing)
    pointer = _POINTER.fullmatch(uri)
    if pointer and pointer[1]:
        return _whole(document, comments=_keeps_comments(by_pointer=True))
    if uri.startswith("#xpointer(") and not pointer:
        return (
            None,
            nothing,
            Problem(
                code="reference.xpointer",
                message=f"The reference {uri[:120]!r} is by an XPointer that is not resolved.",
            ),
        )
    name = (pointer[2] or pointer[3] or "") if pointer else uri[1:]
    ids = document.ids
    element = _element_named(ids, name)
    if element is None and "%" in name:
        name = unquote(name)
        element = _element_named(ids, name)
    if element is None:
        several = name in ids.duplicates
        return (
            None,
            nothing,
            Problem(
                code="reference.ambiguous" if several else "reference.not-found",
                message=(
                    f"Several elements have the identifier {name[:120]!r}: which was signed is not certain."
                    if several
                    else f"No element of the document has the identifier {name[:120]!r}."
                ),
            ),
        )
    coverage = Coverage(kind="element", target=element, root=document.root, tops=(element,))
    return subtree(element, comments=_keeps_comments(by_pointer=bool(pointer))), coverage, None


@implements(
    "XMLDSIG:4.4.3.3-ONE",
    disabled=lambda ids, name: ids.get(name) or next(iter(ids.duplicates.get(name, ())), None),
)
def _element_named(ids: Ids, name: str) -> etree._Element | None:
    """The element that an identifier names, where it names one alone."""
    return ids.get(name)


@implements("XMLDSIG:4.4.3.3-COMMENTS", disabled=True)
def _keeps_comments(*, by_pointer: bool) -> bool:
    """Whether comments are in what a URI names: they are where it is an XPointer."""
    return by_pointer


@implements("XMLDSIG:3.2.1", disabled=True)
def _is_intact(actual: bytes | None, expected: bytes | None) -> bool:
    """Whether the digest of what was found is the one that was signed."""
    return actual is not None and expected is not None and hmac.compare_digest(actual, expected)


def _whole(document: Document, *, comments: bool) -> tuple[NodeSet, Coverage, None]:
    coverage = Coverage(kind="document", target=document.root, root=document.root, whole=True)
    return whole_document(document.root, comments=comments), coverage, None


def _external(
    uri: str | None, detached: Mapping[str | None, bytes | Source], nothing: Coverage
) -> tuple[bytes | Source | None, Coverage, Problem | None]:
    """What the caller gave under a name, as it is written or with its percent-encoding undone."""
    names = [uri] if uri is None else [uri, unquote(uri), unquote(uri).removeprefix("./")]
    for name in names:
        if name in detached:
            return detached[name], Coverage(kind="external", name=name), None
    # One thing that goes with a reference without a name, or that has no name itself, cannot be confused.
    if len(detached) == 1 and (uri is None or None in detached):
        ((name, data),) = detached.items()
        return data, Coverage(kind="external", name=name or uri), None
    message = (
        "A reference has no URI, and what it is to was not given."
        if uri is None
        else f"The signed data {uri[:120]!r} was not given. Give it under this name."
    )
    return None, nothing, Problem(code="reference.not-found", message=message)


def _selected(coverage: Coverage, nodes: NodeSet | None) -> Coverage:
    """The coverage once transforms have selected nodes."""
    if nodes is None:
        return coverage
    tops, cuts = nodes.edges()
    return Coverage(
        kind=coverage.kind,
        target=coverage.target,
        name=coverage.name,
        root=nodes.root,
        whole=nodes.whole,
        tops=tops,
        cuts=cuts,
        partial=bool(nodes.removed),
    )


def _read(source: Source, limit: int) -> bytes:
    if source.size > limit:
        raise BeyondLimit(f"The signed data has more than the {limit} octets that are transformed.", "octets")
    return source.octets()


def _digested(
    reference: Reference,
    coverage: Coverage,
    document: Document,
    *,
    octets: bytes | None = None,
    source: Source | None = None,
    steps: tuple[Step, ...] = (),
) -> Resolved:
    actual, expected = None, reference.expected
    problem = None
    try:
        if octets is not None:
            document.work.read(len(octets))
        actual = _digest(reference, octets, source)
    except Rejected as error:
        problem = Problem(code=error.code, message=str(error))
    intact = _is_intact(actual, expected)
    if problem is None and not intact:
        problem = (
            Problem(code="digest.base64", message="The digest value of the reference is not Base64.")
            if expected is None
            else Problem(code="digest.differs", message="The signed data was changed: its digest is another.")
        )
    return Resolved(
        reference=reference,
        found=True,
        intact=intact,
        actual=actual,
        octets=octets if octets is not None and document.work.keeps(len(octets)) else None,
        source=source,
        coverage=coverage,
        steps=steps,
        problem=problem,
    )


def _digest(reference: Reference, octets: bytes | None, source: Source | None) -> bytes:
    name = reference.digest
    if name is None:
        raise Rejected("digest.unknown", f"The digest algorithm {reference.digest_uri[:120]!r} is unknown.")
    if octets is None:
        return b"" if source is None else source.digest(name)
    try:
        return hashlib.new(name, octets, usedforsecurity=False).digest()
    except ValueError as error:
        raise Rejected("digest.unknown", f"Digests by {name} cannot be computed here.") from error


def _unresolved(
    reference: Reference, coverage: Coverage, problem: Problem | None, *, found: bool
) -> Resolved:
    return Resolved(
        reference=reference,
        found=found,
        intact=False,
        actual=None,
        octets=None,
        source=None,
        coverage=coverage,
        steps=(),
        problem=problem,
    )
