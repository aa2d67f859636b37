"""PDF set by Typst: archivable (PDF/A-2a) and accessible (PDF/UA-1) where nothing else is asked for.

What is printed comes to the typesetter as data and is never read as its language; it finds no file but the
template and the pictures that it is given, no font but its own, and no network.
"""

from __future__ import annotations

import json
import tempfile
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typst

from trustworks.core.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

STANDARDS: list[typst.PDFStandard] = ["a-2a", "ua-1"]


@cache
def _fonts() -> typst.Fonts:
    """The typesetter's own fonts, looked through once."""
    return typst.Fonts(include_system_fonts=False)


def typeset(
    template: bytes,
    given: Mapping[str, Any],
    at: datetime,
    *,
    standards: list[typst.PDFStandard] = STANDARDS,
    pictures: Mapping[str, bytes] | None = None,
) -> bytes:
    """The PDF of a template that reads `sys.inputs.given` as JSON; the same octets for the same values.

    `at` is the time that the document has in itself. It has tags where a standard asks for them. `pictures`
    are found by the template under their names.

    Raises:
        Malformed: it cannot be set, as with letters that the fonts do not have; the typesetter says why.
    """
    tagged = any(one == "ua-1" or (one.startswith("a-") and one.endswith("a")) for one in standards)
    with tempfile.TemporaryDirectory() as folder:  # all that the template could read
        for name, octets in (pictures or {}).items():
            Path(folder, name).write_bytes(octets)
        try:
            made = typst.Compiler(
                template,
                root=folder,
                ignore_system_fonts=True,
                font_paths=_fonts(),
                sys_inputs={"given": json.dumps(given)},
            ).compile(
                format="pdf",
                pdf_standards=standards,
                pdf_tags=tagged,
                timestamp=at.replace(microsecond=0),
            )
        except RuntimeError as error:
            raise Malformed(str(error)) from error
    assert isinstance(made, bytes)  # noqa: S101 - of one PDF in memory
    return made
