"""Validation of signatures, as [validation] asks for it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.app.wiring.resources import Resources
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.core.audit import Recorder
    from trustworks.validation.config import ValidationSettings
    from trustworks.validation.desk import Desk
    from trustworks.validation.offer import Offer


class Validating(Resources):
    """What [validation] asks for."""

    @property
    def validation_settings(self) -> ValidationSettings:
        """[validation]. Raises `Rejected` when the configuration has none."""
        found = self.config.validation
        if found is None:
            raise Rejected(
                "config.validation",
                f"{self.loaded.file} has no [validation]: add it (`trustworks config explain validation`) or "
                "name another file with --config.",
            )
        return found

    @property
    def uploads_dir(self) -> Path:
        """The folder on whose disk uploads are put aside, without names."""
        return self.run_dir / "uploads"

    def validation_offer(self) -> Offer:
        """The policies and the trust of the service, read once. Raises `Malformed`."""
        from trustworks.validation.offer import Offer  # noqa: PLC0415 - loads the formats' readers

        offer = Offer(self.validation_settings)
        offer.trusted()
        return offer

    def validation_desk(self, *, recorder: Recorder, count: Callable[[str], None] | None) -> Desk:
        """The service of one worker. Raises `Malformed` for a policy or trust that cannot be read."""
        from trustworks.validation.desk import Desk  # noqa: PLC0415 - as above

        return Desk(self.validation_settings, self.validation_offer(), recorder, count=count)
