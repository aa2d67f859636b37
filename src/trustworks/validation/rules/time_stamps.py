"""Validation of time-stamps: as basic signatures of their authority, over what they are said to be over.

Source: EN 319 102-1, 5.4; 5.6.3.4, 5 (past time-stamps).
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.trace import implements
from trustworks.validation.model import SubIndication, indeterminate
from trustworks.validation.policies.constraints import Context
from trustworks.validation.rules.basic import BasicResult, find_signer
from trustworks.validation.rules.building_blocks import acceptance, cryptographic, format_checking
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.core.pki.building import Path
    from trustworks.formats.evidence import TimeStamp
    from trustworks.validation.rules.building_blocks.acceptance import Accepted
    from trustworks.validation.rules.inputs import Inputs
    from trustworks.validation.rules.surroundings import CertificateResult

_CONTEXT: Final = Context.TIME_STAMP
_UNIT: Final = indeterminate(SubIndication.CHAIN_CONSTRAINTS_FAILURE)


@implements("EN319102-1:5.4.4-ANCHOR")
def trusted_when_made(time_stamp: TimeStamp, path: Path) -> str | None:
    """A unit that is a trust anchor itself was one, and its certificate valid, at the time of the token.

    Trusted lists name units as services, so that a token may be by an anchor. No authority vouches for such a
    unit, and nobody tells of its revocation: that leaves the dates of the anchor and of its certificate.
    """
    anchor, unit, time = path.anchor, path.leaf, time_stamp.time
    since = max(one for one in (anchor.since, unit.not_before) if one is not None)
    until = min(one for one in (anchor.sunset, unit.not_after) if one is not None)
    if since <= time <= until:
        return None
    return (
        f"{unit} is trusted for itself from {since:%Y-%m-%d %H:%M:%SZ} to {until:%Y-%m-%d %H:%M:%SZ}, and "
        f"the time-stamp is of {time:%Y-%m-%d %H:%M:%SZ}."
    )


def check_unit(checks: Checks, time_stamp: TimeStamp, result: CertificateResult | None) -> None:
    """Ask of a unit that is a trust anchor itself whether it was one when the token was made."""
    path = None if result is None else result.path
    if path is not None and path.is_anchor_alone:
        checks.ask("basic.unit", partial(trusted_when_made, time_stamp, path), _UNIT)


def validate_time_stamp(time_stamp: TimeStamp, inputs: Inputs) -> BasicResult:
    """Validate a time-stamp token at the time of validation, its imprint included."""
    policy = inputs.policy
    checks = Checks("TIME-STAMP", time_stamp.id)
    checks.take("basic.fc", format_checking.check_time_stamp(time_stamp, policy))
    signer = find_signer(time_stamp.signature, time_stamp.id, inputs, _CONTEXT)
    checks.take("basic.isc", signer.conclusion)
    path = accepted = None
    # Identification ends the block where there is no certificate: nothing passes without a path.
    if not checks.failed and signer.certificate is not None:
        path = validate_certificate(signer.certificate, _CONTEXT, inputs)
        references = (*time_stamp.references, *time_stamp.signature.references)
        cryptography = cryptographic.verify(
            time_stamp.id,
            references,
            verifies=signer.intact,
            policy=policy,
            context=_CONTEXT,
            why_not=signer.why_not_computed,
        )
        checks.take("basic.cv", cryptography)
        check_unit(checks, time_stamp, path)
        checks.take("basic.xcv", path.conclusion)
    result = BasicResult(conclusion=checks.conclude(), signer=signer, path=path, accepted=None)
    if not checks.failed:
        accepted = accept(time_stamp, result, inputs, inputs.at)
        checks.take("basic.sav", accepted.conclusion)
    return BasicResult(conclusion=checks.conclude(), signer=signer, path=path, accepted=accepted)


def accept(time_stamp: TimeStamp, basic: BasicResult, inputs: Inputs, at: datetime) -> Accepted:
    """Acceptance of a time-stamp at a time (5.2.8)."""
    return acceptance.accept_time_stamp(
        time_stamp,
        inputs.policy,
        _CONTEXT,
        at,
        bits=basic.signer.bits,
        path=basic.path.chain if basic.path else (),
    )
