"""The names of software that plays a PKCS#11 device: for tests, as it protects keys against nobody."""

from __future__ import annotations

import re
from typing import Final

_NAMES: Final = re.compile(
    r"softhsm|\bnss\b|mozilla|opencryptoki soft|kryoptic|\bsw *tpm\b", re.IGNORECASE | re.ASCII
)


def is_test_module(*names: str) -> bool:
    """Whether one of the names of a library, a token, a maker or a model is such software's."""
    return any(_NAMES.search(one) for one in names)
