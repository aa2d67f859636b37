"""One process that validates: `python -m trustworks.validation.bounded.process --channel N`.

It validates one file after another, within limits that the kernel keeps: who exceeds the processor time is
ended by it, who asks for more memory does not get it. Files come as octets or as open files without a name.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.bounded import inside
from trustworks.core.bounded.channel import receive
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.formats.data import DigestOnly, Octets, Stored
from trustworks.formats.limits import to_client
from trustworks.validation.bounded.asked import Kind, asked_of
from trustworks.validation.config import ValidationSettings
from trustworks.validation.offer import Offer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.validation.bounded.asked import Asked, Given
    from trustworks.validation.service import Report

_WRITTEN: Final = 1024 * 1024
_MODULE: Final = "trustworks.validation.bounded.process"


def main(arguments: Sequence[str] | None = None) -> None:
    """Validate what comes over the channel until its other end is closed."""
    channel = inside.channel_of(_MODULE, "A process that validates.", arguments)
    words, _, _ = receive(channel)
    settings = ValidationSettings.model_validate(words["settings"])
    limits = settings.limits
    # It writes evidence that was fetched, and no other files.
    inside.restrict(memory=limits.memory, written=settings.fetch.octets + _WRITTEN)
    offer = Offer(settings)

    def answer(
        words: dict[str, Any], octets: bytes, descriptors: Sequence[int]
    ) -> tuple[dict[str, Any], bytes]:
        try:
            return _answer(offer, asked_of(words, octets, descriptors))
        except Malformed as error:
            return {"malformed": to_client(error)}, b""
        except Rejected as error:
            return {"rejected": error.code, "sentence": str(error)}, b""

    inside.serve(channel, answer, cpu_seconds=limits.cpu_seconds, seconds=limits.seconds)


def _answer(offer: Offer, asked: Asked) -> tuple[dict[str, Any], bytes]:
    try:
        validator = offer.validator(asked.policy, asked.at)
    except Malformed as error:  # not the file's fault
        return {"untrusted": str(error)}, b""
    report = validator.validate(
        _data(asked.file),
        detached=[_data(one) for one in asked.detached],
        records=[_data(one) for one in asked.records],
    )
    return _told(report, asked, offer.settings)


def _told(report: Report, asked: Asked, settings: ValidationSettings) -> tuple[dict[str, Any], bytes]:
    kinds = asked.kinds
    found: dict[str, Any] = {
        "results": [one.value for one in report.results()],
        "policy": report.outcome.policy,
    }
    if Kind.PLAIN in kinds:
        found["plain"] = report.plain() | borne(settings)
    if Kind.EXPLAINED in kinds:
        found["explained"] = report.explained()
    if Kind.PAGE in kinds:
        from trustworks.validation.report.page.html import as_data  # noqa: PLC0415 - loads the templates

        found["page"] = as_data(report)
    wants_etsi = Kind.ETSI in kinds and _reportable(report)
    octets = {
        Kind.ETSI: _etsi(report, asked, settings) if wants_etsi else b"",
        Kind.HTML: report.html() if Kind.HTML in kinds else b"",
        Kind.PDF: report.pdf() if Kind.PDF in kinds else b"",
    }
    found["lengths"] = {kind: len(one) for kind, one in octets.items()}
    return found, b"".join(octets.values())


@implements("TS119441:SVP-8.2-03", disabled=lambda _settings: {})
def borne(settings: ValidationSettings) -> dict[str, Any]:
    """What every answer in JSON bears of the service itself: its policy, where it has one."""
    return {} if settings.service_policy is None else {"service_policy": settings.service_policy_urn}


def _etsi(report: Report, asked: Asked, settings: ValidationSettings) -> bytes:
    return report.etsi(
        certificate=asked.certificate,
        service_policy=settings.service_policy_urn,
        practice_statement=settings.practice_statement,
    )


def _reportable(report: Report) -> bool:
    from trustworks.validation.report.etsi.document import reportable  # noqa: PLC0415 - loads what writes XML

    return reportable(report)


def _data(given: Given) -> Data:
    if given.digests:
        return DigestOnly(given.digests, given.name)
    if given.descriptor is None:
        return Octets(given.octets, given.name)
    # Opened anew by each reader, so that none moves another's place in it.
    return Stored(Path(f"/proc/self/fd/{given.descriptor}"), given.name)


if __name__ == "__main__":
    main()
