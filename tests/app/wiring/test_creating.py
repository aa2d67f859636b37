"""What makes signatures for clients, as the configuration says, for each request anew."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.serialization import Encoding
from validation_desk import self_signed, settings_of

from trustworks.app.wiring.creating import Creating
from trustworks.signing.config import SigningSettings
from trustworks.validation.offer import Offer

if TYPE_CHECKING:
    from pathlib import Path


def wiring(folder: Path, *, trust: Path | None) -> Any:
    offer = None if trust is None else Offer(settings_of(trust=[str(trust)]))
    return SimpleNamespace(
        signing_settings=SigningSettings.model_validate({"time-stamp-url": "http://127.0.0.1:1/tsa"}),
        config=SimpleNamespace(validation=offer),
        evidence_source=lambda: "evidence",
        validation_offer=lambda: offer,
        run_dir=folder / "run",
        lab=False,
    )


def test_whom_to_trust_is_read_again_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()

    def write(name: str) -> None:
        (folder / f"{name}.pem").write_bytes(self_signed(name)[1].public_bytes(Encoding.PEM))

    def trusted() -> int:
        anchors = creation_of(False).means.anchors
        assert anchors is not None
        return len(anchors.anchors)

    write("one")
    creation_of = Creating.service_creation(wiring(tmp_path, trust=folder))
    assert trusted() == 1
    write("two")
    assert trusted() == 2


def test_it_is_as_the_configuration_says(tmp_path: Path) -> None:
    creation_of = Creating.service_creation(wiring(tmp_path, trust=None))
    made, qualified = creation_of(False), creation_of(True)
    assert (made.means.evidence, made.means.anchors, made.scratch) == (
        None,
        None,
        tmp_path / "run" / "signing",
    )
    assert made.means.stamper is qualified.means.stamper is not None
    assert (made.terms.qualified, qualified.terms.qualified) == (False, True)
