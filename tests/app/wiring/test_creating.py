"""What makes signatures for clients, as the configuration says, for each request anew."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from signing_forms import asked
from signing_house import house
from validation_desk import self_signed, settings_of

from trustworks.app.certificates import NamedCertificate
from trustworks.app.wiring.creating import Creating, check_is_for_documents
from trustworks.core.errors import Rejected, Unavailable
from trustworks.signing.config import SigningSettings
from trustworks.validation.offer import Offer

if TYPE_CHECKING:
    from trustworks.core.time import TrustedTime


def wiring(folder: Path, *, trust: Path | None, clock: Any = None) -> Any:
    offer = None if trust is None else Offer(settings_of(trust=[str(trust)]))
    found: Any = SimpleNamespace(
        signing_settings=SigningSettings.model_validate({"time-stamp-url": "http://127.0.0.1:1/tsa"}),
        config=SimpleNamespace(validation=offer),
        evidence_source=lambda: "evidence",
        validation_offer=lambda: offer,
        run_dir=folder / "run",
        lab=False,
        open_clock=lambda: clock,
        _is_configured=lambda: True,
    )
    found._signing_clock = lambda: Creating._signing_clock(found)
    return found


def test_whom_to_trust_is_read_again_when_it_changes(tmp_path: Path) -> None:
    folder = tmp_path / "anchors"
    folder.mkdir()

    def write(name: str) -> None:
        (folder / f"{name}.pem").write_bytes(self_signed(name)[1].public_bytes(Encoding.PEM))

    def trusted() -> int:
        anchors = creation_of(False, False).means.anchors
        assert anchors is not None
        return len(anchors.anchors)

    write("one")
    creation_of = Creating.service_creation(wiring(tmp_path, trust=folder))
    assert trusted() == 1
    write("two")
    assert trusted() == 2


def test_it_is_as_the_configuration_says(tmp_path: Path) -> None:
    creation_of = Creating.service_creation(wiring(tmp_path, trust=None))
    made, qualified, device = creation_of(False, False), creation_of(True, False), creation_of(True, True)
    assert (made.means.evidence, made.means.anchors, made.scratch) == (
        None,
        None,
        tmp_path / "run" / "signing",
    )
    assert made.means.stamper is qualified.means.stamper is not None
    assert [(one.terms.qualified, one.terms.device) for one in (made, qualified, device)] == [
        (False, False),
        (True, False),
        (True, True),
    ]


def test_without_proof_of_the_time_nothing_is_signed(tmp_path: Path) -> None:
    class Stopped:
        def now(self) -> TrustedTime:
            raise Unavailable("clock.unproven", "Nobody proves that this clock is right.")

    given = wiring(tmp_path, trust=None, clock=Stopped())
    person = house().person()
    with pytest.raises(Unavailable) as caught:
        Creating.service_creation(given)(False, False).prepare(asked("pades"), person.signer)
    assert caught.value.code == "clock.unproven"


NAMED = [
    NamedCertificate(
        setting=setting, use="A use", token="services", label=label, file=Path("a.pem"), revoked="Nothing."
    )
    for setting, label in (("validation.seal", "report-seal"), ("signing.seals (main)", "seal"))
]


@pytest.mark.req("TRUSTWORKS:SIGNING-KEY-FOR-DOCUMENTS")
def test_a_key_of_another_service_signs_no_documents() -> None:
    with pytest.raises(Rejected, match=r"services/report-seal is that of \[validation\.seal\]") as caught:
        check_is_for_documents("services", "report-seal", NAMED)
    assert caught.value.code == "signing.key-of-service"
    check_is_for_documents("services", "seal", NAMED)
    check_is_for_documents("services", "mine", NAMED)
    check_is_for_documents("other", "report-seal", NAMED)
