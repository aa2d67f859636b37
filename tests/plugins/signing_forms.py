"""Forms of signatures, one for each way in which documents are signed."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from signing_house import JSON, NOW, TEXT, XML, documents

from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets
from trustworks.signing.model import (
    Container,
    Document,
    Format,
    JadesChoices,
    Packaging,
    PadesChoices,
    Request,
    XadesChoices,
)

if TYPE_CHECKING:
    from trustworks.formats.data import Data

CLAIMS = Claims(signing_time=NOW)
TWO = (
    Document(data=Octets(TEXT, "a.txt")),
    Document(data=Octets(JSON, "b.json"), media_type="application/json"),
)
X, C, P, J = Format.XADES, Format.CADES, Format.PADES, Format.JADES
FORMS: dict[str, dict[str, Any]] = {
    "xades-enveloped": {"format": X},
    "xades-enveloped-beside-others": {"format": X, "xades": XadesChoices(beside_others=True)},
    "xades-enveloping": {"format": X, "packaging": Packaging.ENVELOPING, "documents": TWO},
    "xades-enveloping-xml": {
        "format": X,
        "packaging": Packaging.ENVELOPING,
        "documents": (Document(data=Octets(XML, "a.xml")),),
        "xades": XadesChoices(as_xml=True),
    },
    "xades-detached": {"format": X, "packaging": Packaging.DETACHED, "documents": TWO},
    "xades-manifest": {
        "format": X,
        "packaging": Packaging.DETACHED,
        "documents": TWO,
        "xades": XadesChoices(manifest=True),
    },
    "xades-internally-detached": {
        "format": X,
        "packaging": Packaging.INTERNALLY_DETACHED,
        "xades": XadesChoices(parts=("b", "c"), sign_key_info=True),
    },
    "cades-enveloping": {"format": C},
    "cades-detached": {"format": C, "packaging": Packaging.DETACHED},
    "pades": {"format": P},
    "pades-certified": {"format": P, "pades": PadesChoices(certify=2, reason="I agree", name="Somebody")},
    "jades-compact": {"format": J, "jades": JadesChoices(serialization="compact")},
    "jades-flattened": {"format": J},
    "jades-general": {"format": J, "jades": JadesChoices(serialization="general")},
    "jades-clear": {"format": J, "jades": JadesChoices(encoded=False)},
    "jades-by-hash": {"format": J, "packaging": Packaging.DETACHED, "documents": TWO},
    "jades-by-uri": {"format": J, "packaging": Packaging.DETACHED, "jades": JadesChoices(mechanism="uri")},
    "jades-beside": {"format": J, "packaging": Packaging.DETACHED, "jades": JadesChoices(mechanism="none")},
    "asic-s-cades": {"format": C, "container": Container.ASIC_S},
    "asic-s-xades": {"format": X, "container": Container.ASIC_S, "documents": TWO[:1]},
    "asic-e-cades": {"format": C, "container": Container.ASIC_E, "documents": TWO},
    "asic-e-xades": {"format": X, "container": Container.ASIC_E, "documents": TWO},
}
USUAL = ["xades-enveloped", "cades-enveloping", "pades", "jades-flattened"]
NAMES = {X: "XAdES", C: "CAdES", P: "PAdES", J: "JAdES"}


def asked(form: str, **changes: Any) -> Request:
    """That form, signed now: tests run for longer than the time of a signature may be off."""
    now = Claims(signing_time=datetime.now(UTC).replace(microsecond=0))
    given = {"claims": now} | FORMS[form] | changes
    given.setdefault("documents", documents(given["format"], given.get("packaging")))
    return Request(**given)


def detached(request: Request) -> list[Data]:
    if request.packed_as is Packaging.DETACHED and request.container is None:
        return [one.data for one in request.documents]
    return []
