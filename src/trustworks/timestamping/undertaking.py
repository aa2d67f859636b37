"""What the authority as a whole undertakes in its tokens: looked at before it starts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.errors import Refused
from trustworks.core.time import check_declared_accuracy
from trustworks.timestamping.rules import units as rules

if TYPE_CHECKING:
    from collections.abc import Iterable

    from trustworks.core.time import TimeSettings
    from trustworks.timestamping.config import TimestampingSettings


def check_authority(settings: TimestampingSettings, time_settings: TimeSettings) -> None:
    """Refuse to start an authority that could not keep what its tokens say.

    Source: EN 319 421, 7.7.2; EN 319 422, 5.2.2.
    """
    accuracy, resolution, checked = (
        settings.accuracy_us,
        settings.resolution_us,
        time_settings.mode == "enforce",
    )
    _require("EN319422:5.2.2-GENTIME", rules.resolution_findings(accuracy, resolution, checked=checked))
    check_declared_accuracy(time_settings, accuracy, resolution)
    _require("TRUSTWORKS:TSA-SIGNING-LIMIT", rules.limit_findings(accuracy, settings.signing_limit_us))
    if checked:
        for one in settings.units:
            policies = one.policies or settings.policies
            _require(
                "EN319422:5.2.2-POLICY",
                rules.declared_policy_findings(one.name, policies, settings.lab_policy),
            )


def _require(requirement: str, findings: Iterable[str]) -> None:
    text = " ".join(findings)
    if text:
        raise Refused(requirement, text)
