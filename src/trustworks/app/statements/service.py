"""Statements from draft to publication: what would be said now, what is published, how the two differ."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import TYPE_CHECKING

from trustworks.app.statements import records, rules
from trustworks.app.statements.drafting import draft, wanted
from trustworks.app.statements.facts import gather
from trustworks.app.statements.model import Version
from trustworks.core.audit import Event
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable
    from concurrent.futures import Future
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.app.configuration.config import Config
    from trustworks.app.statements.model import Document, Draft
    from trustworks.core.audit import Recorder
    from trustworks.core.store import Database
    from trustworks.core.time import Clock


KEPT_SECONDS = 60.0
PATIENCE = 2.0  # seconds that who asks waits for a look
_LOOKING = "The statements are being compared with the configuration; ask again in a moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """A statement whose published version is not what the configuration says now; None: none is published."""

    draft: Draft
    published: Version | None


def drafts(config: Config, connection: Connection) -> list[Draft]:
    """All statements as they would be now. Raises `Malformed` for what is wrong in the provider's files."""
    facts = gather(config, connection)
    return [draft(document, language, facts) for document, language in wanted(config)]


def differences(config: Config, connection: Connection) -> list[Difference]:
    """The statements that would be said otherwise now than they are published."""
    found = []
    for one in drafts(config, connection):
        published = records.newest(connection, one.document, one.language)
        if published is None or published.sha256 != one.sha256:
            found.append(Difference(draft=one, published=published))
    return found


def findings(config: Config, connection: Connection) -> list[str]:
    """All that an operator has to see to, as sentences: what is not published, and what is missing."""
    facts = gather(config, connection)
    found = [draft(document, language, facts) for document, language in wanted(config)]
    published = _published(found, connection)
    return [
        *rules.not_in_force(found, published),
        *rules.not_resolvable(facts.offers, config),
        *rules.not_told(found, facts),
        *rules.outline_gaps(found),
        *rules.not_said(found),
    ]


class Differing:
    """What `rules.not_in_force` finds, for whoever asks often: looked at once a minute, or more seldom.

    Drawing the statements of thousands of authorities takes seconds, and is not to take a thousandth of the
    time. So it is done in a thread, and who asks gets what was found before if it takes long.
    """

    def __init__(self, config: Config, database: Callable[[], Database]) -> None:
        self._config = config
        self._database = database
        self._found: tuple[float, tuple[str, ...]] | None = None
        self._lock = threading.Lock()
        self._looking: Future[None] | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="statements")

    def get(self) -> tuple[str, ...]:
        """The sentences, at most a minute old, or older while the next look takes its time.

        While the first one does, a sentence that says so. Raises what opening the database raises.
        """
        with self._lock:
            stale = self._found is None or time.monotonic() > self._found[0]
            if stale and (self._looking is None or self._looking.done()):
                self._looking = self._thread.submit(self._look)
            looking = self._looking if stale else None
        if looking is not None and looking in wait((looking,), PATIENCE).done:
            looking.result()
        return (_LOOKING,) if self._found is None else self._found[1]

    def _look(self) -> None:
        begun = time.monotonic()
        with self._database().read() as connection:
            found = drafts(self._config, connection)
            published = _published(found, connection)
        ended = time.monotonic()
        kept = max(KEPT_SECONDS, 1000 * (ended - begun))
        self._found = (ended + kept, rules.not_in_force(found, published))


def _published(found: Iterable[Draft], connection: Connection) -> dict[tuple[Document, str], Version | None]:
    return {
        (one.document, one.language): records.newest(connection, one.document, one.language) for one in found
    }


def publish(
    config: Config,
    *,
    database: Database,
    recorder: Recorder,
    clock: Clock,
    by: str,
    only: Iterable[Document] = (),
) -> list[Version]:
    """Publish what has changed; answer the new versions.

    Each is a record and an event in one transaction, dated by trusted time. Raises `Unavailable` without
    trusted time, `Rejected` (statements.moved) where somebody else publishes at the same time.
    """
    chosen = frozenset(only)
    now = clock.now().utc
    with database.read() as connection:
        changed = [
            one for one in differences(config, connection) if not chosen or one.draft.document in chosen
        ]
    return [_publish(one, config.provider.name, now, recorder=recorder, by=by) for one in changed]


def _publish(found: Difference, author: str, now: datetime, *, recorder: Recorder, by: str) -> Version:
    from trustworks.app.statements.pdf import as_pdf  # noqa: PLC0415 - loads the typesetter

    draft_ = found.draft
    number = 1 if found.published is None else found.published.number + 1
    made = Version(
        document=draft_.document,
        language=draft_.language,
        number=number,
        sha256=draft_.sha256,
        title=draft_.title,
        text=draft_.text,
        pdf=as_pdf(draft_, number=number, published_at=now, author=author),
        published_at=now,
        published_by=by,
    )
    event = Event(
        type="statement.published",
        outcome="success",
        actor=by,
        subject={"document": made.document.value, "language": made.language, "number": number},
        detail={
            "sha256": made.sha256,
            "pdf_sha256": hashlib.sha256(made.pdf).hexdigest(),
            "missing": [one.key for one in draft_.missing],
        },
        time=now,
    )

    def keep(connection: Connection) -> None:
        if records.last_number(connection, made.document, made.language) != number - 1:
            raise Rejected(
                "statements.moved",
                f"Somebody else published {made.document.value} in {made.language} just now; look at it with "
                "`trustworks statements list`, and publish again if it is not what you want.",
            )
        records.add(connection, made)

    recorder.transact(event, keep)
    return made
