"""Published schemas, with all that they import: of the validation report of TS 119 102-2 V1.4.1, of XAdES.

And of trusted lists of TS 119 612 V2.4.1, with their extensions.
"""

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
    "XAdES.xsd": "xades/XAdES01903v132-202407.xsd",
    "1913201-XAdES01903v132.xsd": "xades/XAdES01903v132-202407.xsd",
    "XAdES01903v132-201601.xsd": "xades/XAdES01903v132-202407.xsd",
    "ts_119612v020201_201601xsd.xsd": _LIST,
    "19612_xsd.xsd": _LIST,
}
"""Where what is imported lies here; of the trusted list and of XAdES, later ones of the same namespace."""


class _Local(etree.Resolver):
    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:
        del public_id
        place = _PLACES.get((system_url or "").rpartition("/")[2])
        return None if place is None else self.resolve_filename(str(SCHEMAS / place), context)


REPORT: Final = "validation-report/TS119102-2-v141.xsd"
XADES: Final = {
    "http://uri.etsi.org/01903/v1.1.1#": "xades/XAdESv111.xsd",
    "http://uri.etsi.org/01903/v1.2.2#": "xades/XAdESv122.xsd",
    "http://uri.etsi.org/01903/v1.3.2#": "xades/XAdES01903v141-202407.xsd",
}
"""Of version 1.3.2 with what 1.4.1 adds to it."""


@cache
def schema(name: str) -> etree.XMLSchema:
    """A schema by its file. Skips the test where the schemas are not there."""
    file = SCHEMAS / name
    if not file.is_file():
        pytest.skip(f"NOT TESTED, because the schemas are not there: ../shared/schemas/{name}")
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    return etree.XMLSchema(etree.parse(str(file), parser))


def faults(document: bytes, name: str = REPORT) -> list[str]:
    """What a schema finds wrong with a document; nothing where it is valid."""
    found = schema(name)
    root = etree.fromstring(document, etree.XMLParser(huge_tree=True))
    if found.validate(root):
        return []
    return [f"{one.line}: {one.message}" for one in found.error_log][:5]


_OF_LISTS: Final = {
    "http://uri.etsi.org/02231/v2#": _LIST,
    "http://uri.etsi.org/02231/v2/additionaltypes#": "trusted-list/ts_119612v020401_additionaltypes_xsd.xsd",
    "http://uri.etsi.org/TrstSvc/SvcInfoExt/eSigDir-1999-93-EC-TrustedList/#": (
        "trusted-list/ts_119612v020401_sie_xsd.xsd"
    ),
}


@cache
def _schema_of_lists() -> etree.XMLSchema:
    """The three schemas of annex C in one, so that extensions are looked at, too."""
    if not (SCHEMAS / _LIST).is_file():
        pytest.skip(f"NOT TESTED, because the schemas are not there: ../shared/schemas/{_LIST}")
    imports = "".join(
        f'<xsd:import namespace="{space}" schemaLocation="{SCHEMAS / file}"/>'
        for space, file in _OF_LISTS.items()
    )
    parser = etree.XMLParser(no_network=True)
    parser.resolvers.add(_Local())
    text = f'<xsd:schema xmlns:xsd="http://www.w3.org/2001/XMLSchema">{imports}</xsd:schema>'
    return etree.XMLSchema(etree.fromstring(text, parser))


def faults_of_list(document: bytes) -> list[str]:
    """What the schemas of TS 119 612 find wrong with a trusted list; nothing where it is valid."""
    found = _schema_of_lists()
    if found.validate(etree.fromstring(document)):
        return []
    return [f"{one.line}: {one.message}" for one in found.error_log][:5]
