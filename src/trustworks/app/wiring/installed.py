"""This installation, as it is compared with the manifest that was signed of it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from trustworks.core.errors import TrustworksError

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.app.wiring.resources import Resources
    from trustworks.assurance.integrity.standing import Standing
    from trustworks.assurance.integrity.tree import Place


def examine(wiring: Resources) -> Standing | None:
    """Compare this installation with the manifest that the configuration names, if any."""
    from trustworks.assurance.integrity.standing import Standing  # noqa: PLC0415 - few commands look
    from trustworks.assurance.integrity.standing import examine as compared  # noqa: PLC0415 - few commands look

    if wiring.config.integrity.manifest is None:
        return None
    try:
        found = roots(wiring.config)
    except TrustworksError as error:  # the library that the configuration names is not there
        from datetime import UTC, datetime  # noqa: PLC0415 - few commands look

        return Standing(at=datetime.now(UTC).isoformat(timespec="seconds"), problem=str(error))
    return compared(wiring.config.integrity, found, search=sys.path)


def roots(config: Config) -> tuple[Place, ...]:
    """The roots of this installation, with the PKCS#11 library of a configuration that has keys.

    Raises `Unavailable` (module.library-absent).
    """
    from trustworks.assurance.integrity.installation import places  # noqa: PLC0415 - few commands look
    from trustworks.core.module import find_library  # noqa: PLC0415 - loads the binding

    library: Path | None = None
    if has_keys(config) or config.module.library is not None:
        library = find_library(config.module.library)
    return places(library=library)


def has_keys(config: Config) -> bool:
    """Whether services of this configuration use keys: whether it names a token."""
    return any(value for value in config.tokens.model_dump().values())
