"""JAdES is written: `prepare`, sign anywhere, `Prepared.complete`; then unsigned properties are added.

What is signed is a `payloads.Payload`. Keys and files stay with the caller.
"""

from trustworks.formats.jades.creating.headers import Options
from trustworks.formats.jades.creating.references import with_references
from trustworks.formats.jades.creating.signing import Prepared, parallel, prepare, signing_input
from trustworks.formats.jades.creating.unsigned import (
    Target,
    begin_time_stamp,
    data_to_stamp,
    value_to_countersign,
    with_counter_signature,
    with_more_values,
    with_time_stamp,
    with_time_stamp_validation_data,
    with_values,
)

__all__ = [
    "Options",
    "Prepared",
    "Target",
    "begin_time_stamp",
    "data_to_stamp",
    "parallel",
    "prepare",
    "signing_input",
    "value_to_countersign",
    "with_counter_signature",
    "with_more_values",
    "with_references",
    "with_time_stamp",
    "with_time_stamp_validation_data",
    "with_values",
]
