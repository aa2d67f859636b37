"""[assurance]: how often evidence is collected."""

from __future__ import annotations

from pydantic import Field

from trustworks.core.settings import Table


class AssuranceSettings(Table):
    """[assurance]: evidence of the running systems, collected by the clock."""

    evidence_every: float = Field(
        default=3600.0,
        ge=1,
        le=86400,
        description="Seconds between two looks at modules, keys, clock, log, roles and duties: within them a "
        "module is found that says otherwise of itself.",
    )
