"""PAdES: signatures, time-stamps and validation data put into a PDF, behind what is in it.

`prepare` and `prepare_time_stamp` give a `Prepared`: its digest is signed anywhere, and `Prepared.complete`
puts what came of it in its place. `add_store` adds validation data. Keys and files stay with the caller.
"""

from trustworks.formats.pades.creating.look import Look, Place, Shown, claims_text
from trustworks.formats.pades.creating.signing import Prepared, prepare, prepare_time_stamp
from trustworks.formats.pades.creating.store import Related, add_store
from trustworks.formats.pades.creating.wanted import Appearance, Lock, Wanted, Widget
from trustworks.formats.pades.creating.written import NewStream

__all__ = [
    "Appearance",
    "Lock",
    "Look",
    "NewStream",
    "Place",
    "Prepared",
    "Related",
    "Shown",
    "Wanted",
    "Widget",
    "add_store",
    "claims_text",
    "prepare",
    "prepare_time_stamp",
]
