"""JAdES is written: `prepare`, sign anywhere, `Prepared.complete`; then unsigned properties are added.

What is signed is a `payloads.Payload`. Keys and files stay with the caller.
"""

from trustworks.formats.jades.creating.headers import Claims, Policy
from trustworks.formats.jades.creating.signing import Prepared, parallel, prepare, signing_input
from trustworks.formats.jades.creating.unsigned import (
    to_be_stamped,
    value_to_countersign,
    with_counter_signature,
    with_time_stamp,
    with_validation_data,
)

__all__ = [
    "Claims",
    "Policy",
    "Prepared",
    "parallel",
    "prepare",
    "signing_input",
    "to_be_stamped",
    "value_to_countersign",
    "with_counter_signature",
    "with_time_stamp",
    "with_validation_data",
]
