"""ASiC: containers made, and signatures, time-stamps and evidence records put into those that are there.

`prepare_simple`, `prepare_extended` and `prepare_addition` give a `Prepared`, and what that covers is signed
where the key is. `Prepared.complete`, or `Prepared.add`, gives the container as data. Keys and files stay
with the caller.
"""

from trustworks.formats.asic.creating.containers import (
    DataObject,
    Prepared,
    Sign,
    prepare_addition,
    prepare_extended,
    prepare_simple,
)

__all__ = ["DataObject", "Prepared", "Sign", "prepare_addition", "prepare_extended", "prepare_simple"]
