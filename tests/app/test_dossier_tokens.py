"""The assessor's list of devices has every token that the configuration names, or says which is missing."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from trustworks.app.dossier.provided import of_tokens
from trustworks.assurance.model import Facts, Product, ProductKind


def configured(further: dict[str, str] | None = None, **tokens: str) -> Any:
    given = dict.fromkeys(("root", "issuing", "tsu", "services", "audit")) | tokens
    return SimpleNamespace(tokens=SimpleNamespace(**given, further=further or {}))


def on(label: str) -> Product:
    return Product(
        id=f"hsm-{label}", kind=ProductKind.MODULE, name="Beispiel K9", token=f"pkcs11:token={label}"
    )


@pytest.mark.req("TRUSTWORKS:ASSURANCE-DOSSIER-TOKENS")
def test_a_token_that_no_product_names_is_lacking_at_the_list_of_devices() -> None:
    config = configured(
        {"second": "pkcs11:token=second"},
        issuing="pkcs11:token=issuing?pin-source=file:issuing.pin",
        audit="pkcs11:token=audit",
    )
    found = of_tokens(config, Facts(products=(on("issuing"),)))
    assert found is not None
    assert found.point == "13(m)"
    assert found.values == [
        {"token": "issuing", "label": "issuing", "product": "hsm-issuing"},
        {"token": "audit", "label": "audit", "product": "missing"},
        {"token": "second", "label": "second", "product": "missing"},
    ]
    (audit, second) = found.lacks
    assert "names the token audit of the configuration; `trustworks assurance product discover`" in audit
    assert "names the token second" in second
    whole = of_tokens(config, Facts(products=(on("issuing"), on("audit"), on("second"))))
    assert whole is not None
    assert whole.lacks == ()


def test_a_configuration_without_tokens_says_nothing_of_them() -> None:
    assert of_tokens(configured(), Facts()) is None
