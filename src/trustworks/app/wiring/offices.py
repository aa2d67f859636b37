"""Trusted roles: who may act."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from trustworks.app.wiring.issuing import Issuing

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustworks.core.audit import JSON, Recorder
    from trustworks.core.roles.model import Act, Approved, Hold, Person
    from trustworks.core.roles.service import Roles
    from trustworks.core.store import Database


class Offices(Issuing):
    """The operators, their credentials and approvals."""

    def roles(self, *, database: Database, recorder: Recorder) -> Roles:
        """The service of trusted roles over what the caller has open."""
        from trustworks.core.roles.office import Office  # noqa: PLC0415 - loads SQLAlchemy
        from trustworks.core.roles.service import Roles  # noqa: PLC0415

        return Roles(
            Office(
                database=database,
                recorder=recorder,
                clock=self.open_clock(),
                settings=self.config.roles,
                lab=self.lab,
                revoked=lambda certificate: self.revoked(database, certificate.serial_number),
                challenge_secret=self.state_dir / "console.secret",
            )
        )

    @contextmanager
    def open_roles(self) -> Iterator[Roles]:
        """The service of trusted roles, with a stream of its own in the audit log."""
        with (
            self.open_database() as database,
            self.open_recorder("roles", database=database) as recorder,
        ):
            yield self.roles(database=database, recorder=recorder)

    without_configuration: bool | None = None
    """Whether it was said that there is none; None where the command could not say so."""

    def officer(
        self,
        act: Act,
        name: str | None,
        key: str | None,
        *,
        concerned: Iterable[Person] = (),
        alone: bool | None = None,
    ) -> str | None:
        """The operator who does `act`, authenticated; None where none is needed (see `acting.officer`)."""
        from trustworks.app.acting import officer  # noqa: PLC0415 - loads the libraries of signatures

        self.without_configuration = alone
        return officer(self, act, name, key, concerned=concerned)

    def check_not_subject(self, act: Act, name: str, concerned: Iterable[Person]) -> None:
        """Refuse an act that concerns the operator of that name himself (see `acting`)."""
        from trustworks.app.acting import check_not_subject  # noqa: PLC0415 - as above

        check_not_subject(self, act, name, concerned)

    @contextmanager
    def held(
        self,
        what: str,
        about: dict[str, JSON],
        *,
        by: str,
        done: Callable[[str], bool],
        completes: bool = False,
    ) -> Iterator[Hold | None]:
        """The approvals of an act outside the database, held while it is done (see `acting`)."""
        from trustworks.app.acting import held  # noqa: PLC0415 - as above

        with held(self, what, about, by=by, done=done, completes=completes) as hold:
            yield hold

    def approval(self, what: str, about: dict[str, JSON], *, by: str) -> Approved:
        """The approvals by which an act may be done that no operator does alone (see `acting`)."""
        from trustworks.app.acting import approved  # noqa: PLC0415 - as above

        return approved(self, what, about, by=by)
