"""PDF that is archivable (PDF/A-2a) and accessible (PDF/UA-1), set by Typst.

What is printed comes to the typesetter as data and is never read as its language; it finds no file but the
template, no font but its own, and no network.
"""

from __future__ import annotations

import json
import tempfile
from typing import TYPE_CHECKING, Any

import typst

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]


def typeset(template: bytes, given: Mapping[str, Any], at: datetime) -> bytes:
    """The PDF of a template that reads `sys.inputs.given` as JSON; the same octets for the same values.

    `at` is the time that the document has in itself.

    Raises:
        Malformed: it cannot be set, as with letters that the fonts do not have; the typesetter says why.
    """
    with tempfile.TemporaryDirectory() as empty:  # all that the template could read
        try:
            made = typst.Compiler(
                template,
                root=empty,
                ignore_system_fonts=True,
                sys_inputs={"given": json.dumps(given)},
            ).compile(format="pdf", pdf_standards=STANDARDS, timestamp=at.replace(microsecond=0))
        except RuntimeError as error:
            raise Malformed(str(error)) from error
    assert isinstance(made, bytes)  # noqa: S101 - of one PDF in memory
    return made
