"""What the officers' pages stand on: the services that decide."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from trustworks.core.store import Database
    from trustworks.issuance.enrolment.waiting import WaitingRoom
    from trustworks.issuance.registration.domains import DomainControl
    from trustworks.issuance.registration.mail import Mailer
    from trustworks.issuance.registration.service import Registration
    from trustworks.issuance.service import Issuance


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """The registration authority's desk, its waiting room and the authorities, over one database.

    `control` answers what looks at domains, `mailer` what mails; both raise what keeps them from it.
    """

    registration: Registration
    issuance: Issuance
    database: Database
    waiting: WaitingRoom
    control: Callable[[], DomainControl]
    mailer: Callable[[], Mailer]
