"""The published schema of the validation report of TS 119 102-2 V1.4.1, with all that it imports."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Final

import pytest
from lxml import etree

SCHEMAS: Final = Path(__file__).resolve().parents[3] / "shared" / "schemas"
_LIST: Final = "trusted-list/ts_119612v020401_xsd.xsd"
_PLACES: Final = {
    "xmldsig-core-schema.xsd": "xmldsig/xmldsig-core-schema.xsd",
    "xml.xsd": "xmldsig/xml.xsd",
    "XAdES.xsd": "xades/XAdES.xsd",
    "ts_119612v020201_201601xsd.xsd": _LIST,
}
"""Where what is imported lies here; of the trusted list, a later version of the same namespace."""


class _Local(etree.Resolver):
    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        del public_id
        place = _PLACES.get((system_url or "").rpartition("/")[2])
        return None if place is None else self.resolve_filename(str(SCHEMAS / place), context)


@cache
def report_schema() -> etree.XMLSchema:
    """The schema. Skips the test where the schemas are not there."""
    file = SCHEMAS / "validation-report" / "TS119102-2-v141.xsd"
    if not file.is_file():
        pytest.skip("NOT TESTED, because the schemas are not there: ../shared/schemas/validation-report")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(str(file), parser))


def faults(report: bytes) -> list[str]:
    """What the schema finds wrong with a report; nothing where it is valid."""
    schema = report_schema()
    root = etree.fromstring(report, etree.XMLParser(huge_tree=True))
    if schema.validate(root):
        return []
    return [f"{one.line}: {one.message}" for one in schema.error_log][:5]
