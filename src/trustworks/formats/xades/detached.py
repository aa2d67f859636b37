"""What a reference leads to, in the document or in the data beside it, as `Data`.

Files are read through and never held where nothing has to be transformed. Source: XML Signature 1.1, 4.4.3.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.core.values import dataclass
from trustworks.core.xml.references import resolve
from trustworks.formats.data import DigestOnly, Octets, comparable
from trustworks.formats.xades.values import hash_name

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lxml import etree

    from trustworks.core.xml import dsig
    from trustworks.core.xml.document import Document
    from trustworks.formats.data import Data


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What a reference leads to.

    `data` is what was digested; `element` the element that the URI names, or the one that transforms
    select, and `is_selected` tells that no node is left out of it, `is_whole` that it is digested as XML
    too, and not only what its text is the base64 of; `name` the name of data beside the document.
    `is_node_set` tells that nodes were left, which were canonicalised only to be digested. `ambiguous` is the
    identifier that several elements have.
    """

    found: bool
    intact: bool
    actual: bytes | None
    data: Data | None
    why: str | None
    element: etree._Element | None = None
    is_selected: bool = False
    is_whole: bool = False
    name: str | None = None
    is_node_set: bool = False
    ambiguous: str | None = None
    beside: Data | None = None
    """The data beside the document, where it is taken whole."""


def leads_out(reference: dsig.Reference) -> bool:
    """Whether it is by its URI to something beside the document."""
    return bool(reference.uri) and not (reference.uri or "").startswith("#")


class Detached:
    """The data beside a document, by the names that references call it by."""

    def __init__(self, data: Sequence[Data]) -> None:
        self._given: Final = data
        self._has_digests: Final = any(isinstance(one, DigestOnly) for one in data)
        self._named: Final[dict[str | None, dict[str | None, Data]]] = {}

    def _by_name(self, hash_name: str | None) -> dict[str | None, Data]:
        """The data that a digest by a hash function may be of, the first with a name."""
        key = hash_name if self._has_digests else None
        if key not in self._named:
            data = comparable(self._given, key) if self._has_digests else self._given
            self._named[key] = {one.name: one for one in reversed(data or self._given)}
        return self._named[key]

    def resolved(self, reference: dsig.Reference, document: Document, *, alone: bool = True) -> Found:
        """What a reference leads to; never raises for what the document says.

        `alone`: no other reference of the same list leads out of the document.
        """
        data_by_name = self._by_name(hash_name(reference.digest_uri))
        resolved = resolve(reference, document, data_by_name)
        if not resolved.found and len(data_by_name) == 1 and leads_out(reference):
            # Who gives one file with a signature means that one, whatever it was called when it was signed;
            # where several files are signed, it is the one whose digest it has, and the others are missing.
            again = resolve(reference, document, {reference.uri or "": next(iter(data_by_name.values()))})
            resolved = again if alone or again.intact else resolved
        coverage, problem = resolved.coverage, resolved.problem
        element = coverage.target if coverage.kind == "element" else None
        if coverage.kind == "document" and not coverage.whole and len(coverage.tops) == 1:
            element = coverage.tops[0]
        data: Data | None = None
        if resolved.octets is not None:
            data = Octets(resolved.octets, name=coverage.name)
        elif resolved.source is not None:
            data = data_by_name.get(coverage.name) or next(iter(data_by_name.values()))
        beside: Data | None = None
        if coverage.kind == "external" and (coverage.root is None or (coverage.whole and not coverage.cuts)):
            only = next(iter(data_by_name.values()), None)
            # A decoder of base64 passes over octets that people see.
            left_out = coverage.partial or any(step.action == "decoded" for step in resolved.steps)
            beside = None if left_out else data_by_name.get(coverage.name, only)
        selected = element is not None and coverage.holds(element)
        return Found(
            found=resolved.found,
            intact=resolved.intact,
            actual=resolved.actual,
            data=data,
            why=None if problem is None else problem.message,
            element=element,
            is_selected=selected,
            is_whole=selected and all(step.action != "decoded" for step in resolved.steps),
            name=coverage.name if coverage.kind == "external" else None,
            is_node_set=bool(resolved.steps) and resolved.steps[-1].implicit,
            ambiguous=(reference.uri or "").removeprefix("#")
            if problem is not None and problem.code == "reference.ambiguous"
            else None,
            beside=beside if resolved.found else None,
        )
