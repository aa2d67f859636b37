"""Subjects' certificates for the public: each by its authority and its number, where the subject agreed.

Nobody can list or search them: who asks has the number already. Source: EN 319 411-1, 6.1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from trustworks.issuance.records import certificate
from trustworks.issuance.registration import records, rules

if TYPE_CHECKING:
    from trustworks.core.store import Database


class Repository:
    """Gives certificates out. It needs the database alone."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def certificate(self, authority: str, serial: str) -> bytes | None:
        """The certificate in DER; None for one that is not there, or not to be given to third parties.

        Which of the two it is nobody is told. What is revoked or at its end is given out too: its status is
        asked for elsewhere. When the time of an application is over, so is its consent.
        """
        with self._database.read() as connection:
            found = certificate(connection, serial)
            if found is None or found.state != "issued" or found.authority != authority:
                return None
            application = records.application_of(connection, serial)
        if application is None or application.erased or not rules.may_publish(application):
            return None
        return found.der
