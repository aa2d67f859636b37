"""The transforms of references: those of a short list, one after the other (XML Signature 1.1, 6.6).

XSLT is none of them: it is a program of whoever made the signature.
"""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Final, Literal, cast

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.core.xml import algorithms, canonical
from trustworks.core.xml.algorithms import DS
from trustworks.core.xml.canonical import canonicalise
from trustworks.core.xml.filters import xpath_filter, xpath_filter2
from trustworks.core.xml.nodes import NodeSet, texts_of, whole_document

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from trustworks.core.xml.document import Document
    from trustworks.core.xml.dsig import Transform
    from trustworks.core.xml.filters import Operation

_PARSED: Final = 10  # what parsing an octet costs, in octets that are digested
_SIGNATURE: Final = f"{{{DS}}}Signature"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One transform as it was carried out.

    `canonicalised` and `decoded` give octets, the others select nodes: less the signature, or by XPath. The
    implicit canonicalisation at the end is a step as well, and `parsed` one that precedes a transform of
    nodes.
    """

    action: Literal["canonicalised", "decoded", "parsed", "without-signature", "xpath", "xpath-filter2"]
    algorithm: str
    implicit: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What is digested, the nodes that it stands for where there were any, and the steps to it."""

    octets: bytes
    nodes: NodeSet | None
    steps: tuple[Step, ...]


class _Run:
    """The transforms of one reference, on their way."""

    def __init__(self, start: bytes | NodeSet, document: Document, signature: etree._Element | None) -> None:
        self.value = start
        self.nodes = start if isinstance(start, NodeSet) else None
        self.steps: list[Step] = []
        self._document = document
        self._signature = signature

    def do(self, transform: Transform) -> None:
        name = transform.algorithm
        _check_program(name)
        if name in canonical.ALGORITHMS:
            self.canonicalise(name, transform.prefixes)
        elif name == algorithms.ENVELOPED:
            self._without_signature(transform)
        elif name == algorithms.BASE64:
            self._decode()
        elif name == algorithms.XPATH:
            if len(transform.filters) != 1:
                raise Malformed("An XPath transform has no XPath expression, or several.")
            (found,) = transform.filters
            nodes = self._as_nodes()
            self._select(xpath_filter(nodes, found.expression, found.element, self._document))
            self.steps.append(Step(action="xpath", algorithm=name))
        elif name == algorithms.XPATH_FILTER2:
            self._filter2(transform)
        else:
            raise Rejected(
                "transform.unknown",
                f"A reference has the transform {name[:120]!r}, which is not carried out.",
            )

    def canonicalise(self, name: str, prefixes: Sequence[str], *, implicit: bool = False) -> None:
        nodes = self._as_nodes()
        renderings = self._document.renderings if nodes.root is self._document.root else None
        self.value = canonicalise(nodes, name, prefixes, renderings)
        self.steps.append(Step(action="canonicalised", algorithm=name, implicit=implicit))

    def _as_nodes(self) -> NodeSet:
        """The nodes, of octets those of the document that they are (4.4.3.2)."""
        if isinstance(self.value, NodeSet):
            return self.value
        self._document.work.read(_PARSED * len(self.value))
        other = self._document.another(self.value)
        self.steps.append(Step(action="parsed", algorithm="", implicit=True))
        self._document = other
        self.nodes = self.value = whole_document(other.root, comments=True)
        return self.value

    def _select(self, nodes: NodeSet) -> None:
        self.nodes = self.value = nodes

    def _without_signature(self, transform: Transform) -> None:
        nodes = self._as_nodes()
        around = self._signature
        if around is None:
            around = next(transform.element.iterancestors(_SIGNATURE), None)
        if around is None or around.getroottree().getroot() is not nodes.root:
            raise Rejected(
                "transform.enveloped",
                "The enveloped-signature transform takes its signature out of data that it is not in.",
            )
        self._select(less_its_signature(nodes, around))
        self.steps.append(Step(action="without-signature", algorithm=algorithms.ENVELOPED))

    def _decode(self) -> None:
        text: str | bytes = self.value if isinstance(self.value, bytes) else "".join(texts_of(self.value))
        packed = b"".join(text.split()) if isinstance(text, bytes) else "".join(text.split()).encode()
        try:
            self.value = base64.b64decode(packed, validate=True)
        except (binascii.Error, ValueError) as error:
            raise Malformed("What a reference is to should be Base64, and is not.") from error
        self.steps.append(Step(action="decoded", algorithm=algorithms.BASE64))

    def _filter2(self, transform: Transform) -> None:
        nodes = self._as_nodes()
        if not transform.filters or any(
            found.operation not in {"intersect", "subtract", "union"} for found in transform.filters
        ):
            raise Malformed(
                "A transform by XPath Filter 2.0 has no filter, or one that is none of its three."
            )
        filters = [
            (cast("Operation", found.operation), found.expression, found.element)
            for found in transform.filters
        ]
        self._select(xpath_filter2(nodes, filters, self._document))
        self.steps.append(Step(action="xpath-filter2", algorithm=algorithms.XPATH_FILTER2))


@implements("XMLDSIG-BP:XSLT", disabled=None)
def _check_program(algorithm: str) -> None:
    """A transform is no program of whoever made the signature. Raises `Rejected` (transform.refused)."""
    if algorithm == algorithms.XSLT:
        raise Rejected(
            "transform.refused", "A reference is transformed by XSLT, a program of the signer. It is not run."
        )


@implements("XMLDSIG:6.6.4", disabled=lambda nodes, _signature: nodes)
def less_its_signature(nodes: NodeSet, signature: etree._Element) -> NodeSet:
    """A node set without a signature and all that it contains (the enveloped-signature transform)."""
    return nodes.without(signature)


def apply(
    transforms: Sequence[Transform],
    start: bytes | NodeSet,
    document: Document,
    signature: etree._Element | None = None,
) -> Outcome:
    """Carry transforms out. Nodes that are left at the end are canonicalised by Canonical XML 1.0 (4.4.3.2).

    Raises `Rejected` for a transform that is not carried out, `Malformed` where its input is not what it
    takes.
    """
    run = _Run(start, document, signature)
    for transform in transforms:
        run.do(transform)
    if isinstance(run.value, NodeSet):
        run.canonicalise(algorithms.C14N, (), implicit=True)
    assert isinstance(run.value, bytes)  # noqa: S101 - what canonicalisation gives
    return Outcome(octets=run.value, nodes=run.nodes, steps=tuple(run.steps))
