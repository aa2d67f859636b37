"""`trustworks validate --etsi --sealed`: the report with the seal of the provider's service."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from trustworks.core.audit import Recorder
    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.report.seal.sealer import Sealer
    from trustworks.validation.service import Report


class SealWiring(Protocol):
    """What sealing needs of the application's wiring."""

    @property
    def validation_settings(self) -> ValidationSettings:
        """[validation]."""

    def open_sealer(self) -> AbstractContextManager[tuple[Sealer, Recorder]]:
        """The seal that the configuration names, and the audit log."""


def sealed_report(wiring: SealWiring, report: Report, *, in_the_past: bool) -> bytes | None:
    """The sealed report of TS 119 102-2, of which the audit log was told; None where there is none to make.

    `in_the_past`: who asked named a time of validation. Raises what `Sealer.sealed` and the wiring raise.
    """
    from trustworks.validation import events  # noqa: PLC0415 - loads SQLAlchemy
    from trustworks.validation.report.etsi.document import reportable  # noqa: PLC0415 - loads what writes XML

    if not reportable(report):
        return None
    with wiring.open_sealer() as (sealer, recorder):
        settings = wiring.validation_settings
        stated = report.etsi(
            certificate=sealer.certificate,
            service_policy=settings.service_policy_urn,
            practice_statement=settings.practice_statement,
        )
        made = sealer.sealed(stated)
        recorder.record(
            events.performed(
                through="command",
                policy=report.outcome.policy,
                results=[one.value for one in report.results()],
                in_the_past=in_the_past,
                sealed=True,
            )
        )
    return made
