"""All that reports are made of: one validation, its evidence, and what was concluded from it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.core.values import dataclass
from trustworks.validation.rules.inputs import NOTHING, Extra

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence
    from trustworks.validation.model import Outcome
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.qualifying import Qualifications


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """One validation.

    `qualifications` is what trusted lists say, None where there are none. `extra` is the evidence from
    outside by which it was judged; `troubles` tell what was looked for there and could not be had. `files` is
    what was given: the signed file, then data beside it.
    """

    evidence: Evidence
    outcome: Outcome
    policy: Policy
    qualifications: Qualifications | None = None
    extra: Extra = NOTHING
    troubles: tuple[str, ...] = ()
    files: tuple[Data, ...] = ()
