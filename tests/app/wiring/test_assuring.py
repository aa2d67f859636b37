"""The sources of evidence, as a configuration says."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from trustworks.app.configuration.config import parse
from trustworks.app.wiring import Wiring
from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.module import Pkcs11Uri

TEXT = """
[provider]
name = "TEST provider"
lab = true
[module]
library = "{library}"
lab = true
[tokens]
root = "pkcs11:token=root?pin-source=file:root.pin"
tsu = "{tsu}"
audit = "pkcs11:token=none-of-that-name?pin-source=file:none.pin"
[time]
mode = "lab"
[timestamping]
accuracy-us = 500000
[[timestamping.units]]
name = "tsu-1"
certificate = "tsu-1.pem"
key = "unit"
signature = "ECDSA_SHA256"
"""


def test_every_token_but_the_roots_is_looked_at_and_closed_again(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path: Path
) -> None:
    tsu = make_token()
    text = TEXT.format(library=softhsm, tsu=tsu)
    wiring = Wiring.over(parse(text, tmp_path / "trustworks.toml"))
    wiring.watching = True
    sources = wiring.evidence_sources()
    assert sources.tokens == ("tsu", "audit")
    assert sources.uri("tsu").token == tsu.token
    found = sources.look("tsu")
    assert found.info.token_label == tsu.token
    assert not found.health.ok  # it has no probe key
    with pytest.raises(TrustworksError):
        sources.look("audit")
    (unit,) = sources.units
    assert (unit.name, unit.accuracy_us, unit.resolution_us) == ("tsu-1", 500_000, 1_000)
    assert sources.schemes == {"unit": "ECDSA_SHA256"}
    assert sources.stamps is False
    assert sources.clock().mode == "lab"


def test_without_time_stamping_there_are_no_units(tmp_path: Path) -> None:
    text = '[provider]\nname = "TEST provider"\nlab = true\n'
    sources = Wiring.over(parse(text, tmp_path / "trustworks.toml")).evidence_sources()
    assert (tuple(sources.tokens), tuple(sources.units), dict(sources.schemes)) == ((), (), {})
