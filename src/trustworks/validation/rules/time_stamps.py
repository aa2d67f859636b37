"""Validation of time-stamps: as basic signatures of their authority, over what they are said to be over.

Source: EN 319 102-1, 5.4; 5.6.3.4, 5 (past time-stamps).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from trustworks.validation.policies.constraints import Context
from trustworks.validation.rules.basic import BasicResult, find_signer
from trustworks.validation.rules.building_blocks import acceptance, cryptographic, format_checking
from trustworks.validation.rules.building_blocks.x509 import validate_certificate
from trustworks.validation.rules.checks import Checks

if TYPE_CHECKING:
    from datetime import datetime

    from trustworks.formats.evidence import TimeStamp
    from trustworks.validation.rules.building_blocks.acceptance import Accepted
    from trustworks.validation.rules.inputs import Inputs

_CONTEXT: Final = Context.TIME_STAMP


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
