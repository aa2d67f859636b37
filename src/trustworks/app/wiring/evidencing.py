"""What level LT needs of certificates: found as [validation] says, or as the command line says."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Final

from trustworks.app.wiring.validating import Validating

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.core.ports import EvidenceSource
    from trustworks.issuance.status.services import StatusServices
    from trustworks.validation.gathering.fetching import FetchLimits


PATIENCE: Final = timedelta(seconds=15)
"""For so long newer revocation data is waited for: responders give an answer again for some seconds."""


class Evidencing(Validating):
    """Evidence for signatures, as [validation] says whom to trust and what to fetch."""

    def evidence_source(self, *, policy: str = "", status: StatusServices | None = None) -> EvidenceSource:
        """What finds evidence under a policy that [validation] offers (its default where none is named).

        `status` are the status services of this process, where it has them open: what the provider's own
        authorities publish is then taken from there, before anything listens. Raises `Malformed` for trust
        that cannot be read, `Rejected` where the policy is not offered or there is no [validation].
        """
        # What loads the readers of formats, and the client of HTTP.
        from trustworks.validation.gathering.certificate_evidence import CertificateEvidence  # noqa: PLC0415
        from trustworks.validation.gathering.fetching import Cache, Fetcher  # noqa: PLC0415
        from trustworks.validation.gathering.memory import Brief, Memory  # noqa: PLC0415
        from trustworks.validation.offer import fetch_limits_of  # noqa: PLC0415

        settings, offer = self.validation_settings, self.validation_offer()
        fetch = settings.fetch
        limits = fetch_limits_of(settings)
        cache = Brief(Memory() if fetch.cache is None else Cache(fetch.cache, fetch.cache_octets))
        fetcher: Fetcher | None = None
        if status is not None:
            from trustworks.app.wiring.own_status import OwnStatus  # noqa: PLC0415 - loads the responder

            fetcher = OwnStatus(status, self.public_url, limits, cache, online=fetch.online)
        elif fetch.online:
            fetcher = Fetcher(limits, cache)
        return CertificateEvidence(
            trust=lambda: offer.trusted().trust,
            policy=offer.named(policy),
            fetcher=fetcher,
            patience=PATIENCE,
        )


def evidence_by_options(
    *,
    policy: str,
    trust: Sequence[Path],
    untrusted: Sequence[Path],
    offline: bool,
    networks: Sequence[str] = (),
    cache: Path | None = None,
    limits: FetchLimits | None = None,
) -> EvidenceSource:
    """What finds evidence as the command line says it, with the words of ``trustworks validate``.

    Without a folder to keep answers in they are remembered as long as the command runs. `limits` are those
    of the configuration, where there is one: its hosts and networks are reached too. Raises `Malformed` for
    what cannot be read.
    """
    # As above.
    from trustworks.validation.gathering.certificate_evidence import CertificateEvidence  # noqa: PLC0415
    from trustworks.validation.gathering.fetching import Cache, Fetcher, FetchLimits  # noqa: PLC0415
    from trustworks.validation.gathering.memory import Brief, Memory  # noqa: PLC0415
    from trustworks.validation.given import extra_of, trusted_of  # noqa: PLC0415
    from trustworks.validation.service import networks_of, policy_of  # noqa: PLC0415

    trusted = trusted_of(trust, datetime.now(UTC)).trust
    limits = limits or FetchLimits()
    reached = replace(limits, networks=(*limits.networks, *networks_of(networks)), tells_names=True)
    kept = Brief(Memory() if cache is None else Cache(cache))
    return CertificateEvidence(
        trust=lambda: trusted,
        policy=policy_of(policy),
        fetcher=None if offline else Fetcher(reached, kept),
        extra=extra_of(untrusted),
        patience=PATIENCE,
    )
