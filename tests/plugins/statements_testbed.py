"""What statements are drawn from in tests, and a clock that stands where it is put."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, cast

from trustworks.app.statements import service
from trustworks.app.statements.model import Document
from trustworks.core.audit import Event
from trustworks.core.time import LabClock

if TYPE_CHECKING:
    from pathlib import Path

    from trustworks.app.configuration.config import Config
    from trustworks.app.statements.model import Draft, Version
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock


@dataclass
class Office:
    """A configuration, its database and log, and the folder of the provider's paragraphs."""

    config: Config
    database: Database
    recorder: Recorder
    paragraphs: Path
    clock: Clock = field(default_factory=LabClock)

    @staticmethod
    def event(kind: str) -> Event:
        return Event(
            type=kind, outcome="success", actor="test", subject={}, time=datetime(2026, 1, 1, tzinfo=UTC)
        )

    def change(self, table: str, **values: Any) -> None:
        """Set values in a table of the configuration, such as ``issuance.ocsp``."""
        *above, last = table.split(".")
        self.config = cast("Config", _changed(self.config, [*above, last], values))

    def draft(self, document: Document = Document.PDS) -> Draft:
        with self.database.read() as connection:
            found = service.drafts(self.config, connection)
        return next(one for one in found if one.document is document and one.language == "en")

    def findings(self) -> list[str]:
        with self.database.read() as connection:
            return service.findings(self.config, connection)

    def publish(self, *only: Document) -> list[Version]:
        return service.publish(
            self.config,
            database=self.database,
            recorder=self.recorder,
            clock=self.clock,
            by="somebody",
            only=only,
        )


def _changed(model: Any, path: list[str], values: dict[str, Any]) -> Any:
    if not path:
        return model.model_copy(update=values)
    first, *rest = path
    return model.model_copy(update={first: _changed(getattr(model, first), rest, values)})
