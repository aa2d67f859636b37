"""All scenarios: signed files over the paths of EN 319 102-1, which we and EU DSS judge."""

from __future__ import annotations

from typing import Final

import judged_proof
import judged_signing
import judged_status
from judged_making import SCENARIOS as _FOUND

SCENARIOS: Final = tuple(_FOUND)
"""In the order of the modules that were loaded."""
MODULES: Final = (judged_proof, judged_signing, judged_status)
