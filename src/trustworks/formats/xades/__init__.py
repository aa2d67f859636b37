"""XAdES: from octets to evidence. Versions 1.1.1, 1.2.2, 1.3.2 and 1.4.1 (EN 319 132-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import BeyondLimit
from trustworks.core.xml.document import Document
from trustworks.formats.limits import xml_bounds
from trustworks.formats.xades.detached import Detached
from trustworks.formats.xades.reader import Reader

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.collector import Collector
    from trustworks.formats.data import Data
    from trustworks.formats.limits import Limits


def read(
    data: Data,
    collector: Collector,
    *,
    detached: Sequence[Data] = (),
    limits: Limits,
    file: str | None = None,
) -> None:
    """Reads all signatures of an XML document into `collector`. `file` is its name within a container.

    `detached` is the data beside the document, found by its names; where it is one file alone, it is what
    references to another file mean. A document without signatures adds none.

    Raises:
        Malformed: it is not well-formed XML, has a document type, or is beyond the limits.
    """
    if data.size > limits.parsed:
        raise BeyondLimit(
            f"The document has {data.size} octets, more than the {limits.parsed} that are read.", "parsed"
        )
    document = Document.of(data.octets(), xml_bounds(limits))
    Reader(document, collector, detached=Detached(detached), limits=limits, file=file).read_all()
