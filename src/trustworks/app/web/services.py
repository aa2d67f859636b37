"""What one worker serves: opens the resources that are there, and makes the services' routes.

A resource that is absent does not keep the others from serving: its routes answer that the service is
unavailable, `/healthz` says why, and it is opened as soon as it is there.
"""

from __future__ import annotations

import threading
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any, NamedTuple

import structlog

from trustworks.app import certificates
from trustworks.app.health.findings import Health
from trustworks.app.opening import Opening
from trustworks.app.statements.service import Differing
from trustworks.app.web import checks, closed
from trustworks.core.errors import Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import ExitStack

    from trustworks.app.health.findings import Well
    from trustworks.app.health.metrics import Traffic
    from trustworks.app.web.console.desk import Desk
    from trustworks.app.web.overview import Overview
    from trustworks.app.wiring import Wiring
    from trustworks.assurance.integrity.identity import ProductIdentity
    from trustworks.core.audit import Recorder
    from trustworks.core.http import Route
    from trustworks.core.module import Module
    from trustworks.core.store import Database
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.status.services import StatusServices
    from trustworks.signing.agreeing import Agreements
    from trustworks.signing.desk import Desk as SigningDesk
    from trustworks.timestamping.http import Edge
    from trustworks.validation.desk import Desk as ValidationDesk

log = structlog.get_logger(__name__)


class Log(NamedTuple):
    """The database, and this worker's audit stream in it."""

    database: Database
    recorder: Recorder


class Services:
    """The resources and services of one worker. `name` is the worker's, and its audit stream's role."""

    def __init__(
        self, wiring: Wiring, name: str, *, traffic: Traffic | None = None, listener: str | None = None
    ) -> None:
        self.wiring = wiring
        self.name = name
        self._traffic = traffic
        self._listener = listener
        self.certificates = certificates.in_use(wiring.config)
        self.clock = wiring.open_clock()
        self.log: Opening[Log] = Opening("store", self._open_log)
        pin_of_tsu, pin_of_services = partial(wiring.pin_state, "tsu"), partial(wiring.pin_state, "services")
        self.tsu: Opening[Module] = Opening(
            "module.tsu", lambda stack: self._open_module(stack, "tsu"), watch=pin_of_tsu
        )
        self.ocsp_token: Opening[Module] = Opening(
            "module.services", lambda stack: self._open_module(stack, "services"), watch=pin_of_services
        )
        self.timestamping: Opening[Edge] = Opening("timestamping", self._open_timestamping, watch=pin_of_tsu)
        self.status: Opening[StatusServices] = Opening("status", self._open_status, watch=pin_of_services)
        pin_of_issuing = partial(wiring.pin_state, "issuing")
        self.issuing: Opening[Module] = Opening(
            "module.issuing", lambda stack: self._open_module(stack, "issuing"), watch=pin_of_issuing
        )
        self.enrolment: Opening[RegistrationAuthority] = Opening(
            "enrolment", self._open_enrolment, watch=pin_of_issuing
        )
        self.validation: Opening[ValidationDesk] = Opening(
            "validation", self._open_validation, watch=pin_of_services
        )
        self.signing: Opening[SigningDesk] = Opening("signing", self._open_signing, watch=pin_of_services)
        self.agreements: Agreements | None = None  # where signing is open and has seals
        self.statements = Differing(wiring.config, lambda: self.log.get().database)
        self.console: Opening[list[Route]] = Opening("console", self._open_console)
        self._attempting = threading.Lock()
        self.health = Health(self._checks(), traffic=traffic)

    # Opening

    @property
    def _openings(self) -> list[Opening[Any]]:
        config = self.wiring.config
        wanted: list[Opening[Any]] = [self.log]
        if config.timestamping is not None:
            wanted += [self.tsu, self.timestamping]
        if config.issuance is not None:
            wanted += [self.ocsp_token, self.status]
            if self.issues:
                wanted.append(self.issuing)
            if config.issuance.protocols:
                wanted.append(self.enrolment)
        if config.validation is not None:
            if self.seals_reports and config.issuance is None:
                wanted.append(self.ocsp_token)
            wanted.append(self.validation)
        if config.signing is not None:
            if self.seals and self.ocsp_token not in wanted:
                wanted.append(self.ocsp_token)
            wanted.append(self.signing)
        if self.has_console:
            wanted.append(self.console)
        return wanted

    @property
    def has_console(self) -> bool:
        """Whether this worker serves the operators' console."""
        return self._listener is not None and self._listener in self.wiring.config.roles.console

    @property
    def issues(self) -> bool:
        """Whether certificates are made in this worker: for a protocol, or at an officer's desk."""
        issuance = self.wiring.config.issuance
        return issuance is not None and (bool(issuance.protocols) or self.has_console)

    @property
    def seals_reports(self) -> bool:
        """Whether reports of validations are sealed in this worker."""
        validation = self.wiring.config.validation
        return validation is not None and validation.seal is not None

    @property
    def seals(self) -> bool:
        """Whether reports or documents are sealed in this worker, by keys of the token `services`."""
        signing = self.wiring.config.signing
        return self.seals_reports or (signing is not None and bool(signing.seals))

    @property
    def complete(self) -> bool:
        """Whether everything is open."""
        return all(one.is_open for one in self._openings)

    def attempt(self) -> bool:
        """Try to open what is not open; answers whether anything was opened."""
        with self._attempting:
            opened = [one.attempt() for one in self._openings]
            return any(opened)

    def close(self) -> None:
        """Close everything; the audit stream writes what is waiting, and its last event."""
        self.health.close()
        for one in reversed(self._openings):
            one.close()

    def _open_log(self, stack: ExitStack) -> Log:
        database = stack.enter_context(self.wiring.open_database())
        recorder = stack.enter_context(self.wiring.open_recorder(self.name, database=database))
        return Log(database, recorder)

    def _open_module(self, stack: ExitStack, token: str) -> Module:
        return stack.enter_context(self.wiring.open_module(token))

    def _open_timestamping(self, stack: ExitStack) -> Edge:
        from trustworks.timestamping.http import Edge  # noqa: PLC0415 - only where the service is configured

        opened = self.log.get()
        authority = self.wiring.timestamping_authority(
            module=self.tsu.get(), recorder=opened.recorder, database=opened.database, clock=self.clock
        )
        return stack.enter_context(Edge(authority, opened.recorder, count=self._count_timestamp))

    def _open_status(self, stack: ExitStack) -> StatusServices:
        del stack
        return self.wiring.status_services(
            module=self.ocsp_token.get(), database=self.log.get().database, clock=self.clock
        )

    def _open_enrolment(self, stack: ExitStack) -> RegistrationAuthority:
        opened = self.log.get()
        return stack.enter_context(
            self.wiring.open_registration_authority(
                database=opened.database,
                recorder=opened.recorder,
                clock=self.clock,
                module=self._module_of,
                service_key=lambda label: self.ocsp_token.get().key(label),
                service_module=self.ocsp_token.get,
            )
        )

    def _open_validation(self, stack: ExitStack) -> ValidationDesk:
        count = None if self._traffic is None else self._traffic.validation
        opened = self.log.get()
        sealer = None
        if self.seals_reports:
            sealer = self.wiring.sealer(
                module=self.ocsp_token.get(), database=opened.database, clock=self.clock
            )
        return stack.enter_context(
            self.wiring.validation_desk(recorder=opened.recorder, sealer=sealer, count=count)
        )

    def _open_signing(self, stack: ExitStack) -> SigningDesk:
        opened = self.log.get()
        module = self.ocsp_token.get() if self.wiring.signing_settings.seals else None
        desk = stack.enter_context(
            self.wiring.signing_desk(
                module=module, database=opened.database, recorder=opened.recorder, clock=self.clock
            )
        )
        if module is not None:
            self.agreements = stack.enter_context(
                self.wiring.open_agreements(desk, recorder=opened.recorder, clock=self.clock)
            )
        return desk

    def _open_console(self, stack: ExitStack) -> list[Route]:
        from trustworks.app.web import console  # noqa: PLC0415 - where a console is configured

        opened = self.log.get()
        roles = self.wiring.roles(database=opened.database, recorder=opened.recorder)
        stack.callback(roles.authentication.strangers.close)
        desk = None if self.wiring.config.issuance is None else self._open_desk(stack)
        return console.routes(
            roles,
            banners=self.banners,
            version=self.version,
            desk=desk,
            uploads=self.wiring.uploads_dir,
        )

    def _open_desk(self, stack: ExitStack) -> Desk:
        """The officers' desk. It opens without the issuing token, which is asked for when one signs."""
        from trustworks.app.web.console.desk import Desk  # noqa: PLC0415 - where a console is configured
        from trustworks.issuance.enrolment.waiting import WaitingRoom  # noqa: PLC0415
        from trustworks.issuance.registration.service import Registration  # noqa: PLC0415

        opened = self.log.get()
        issuance = stack.enter_context(
            self.wiring.open_issuance(
                database=opened.database, recorder=opened.recorder, module=self._module_of
            )
        )
        registration = Registration(
            self.wiring.issuance_settings.registration,
            issuance=issuance,
            clock=self.clock,
            recorder=opened.recorder,
            database=opened.database,
            base=self.wiring.base,
        )
        waiting = WaitingRoom(database=opened.database, recorder=opened.recorder, clock=self.clock)
        return Desk(
            registration=registration,
            issuance=issuance,
            database=opened.database,
            waiting=waiting,
            control=self.wiring.open_domain_control,
            mailer=self.wiring.open_mailer,
        )

    def _module_of(self, token: str) -> Module:
        """The open module of an authority's token; no worker opens the root's."""
        if token != "issuing":  # noqa: S105 - the name of a token
            raise Unavailable("issuance.token", f"The token {token!r} is opened by ceremonies alone.")
        return self.issuing.get()

    # Routes

    def routes(self) -> list[Route]:
        """The routes of the services that are open; for the others, routes that say that they are not."""
        config = self.wiring.config
        found: list[Route] = []
        if config.timestamping is not None:
            found += self._timestamping_routes()
        if config.issuance is not None:
            found += self._status_routes()
            found += self._report_routes()
            found += self._mailbox_routes()
            found += self._repository_routes()
            found += self._trusted_list_routes()
            if config.issuance.protocols:
                found += self._enrolment_routes()
        if config.timestamping is not None or config.issuance is not None:
            found += self._statement_routes()
        if config.validation is not None:
            found += self._validation_routes()
        if config.signing is not None:
            found += self._signing_routes()
        if self.has_console:
            found += self._console_routes()
        return found

    def _report_routes(self) -> list[Route]:
        """The public page for reports of problems; it stands on the database and the audit log alone."""
        settings = self.wiring.issuance_settings.problem_reports
        if not settings.per_hour:
            return []
        if not self.log.is_open:
            return closed.public_form(self.log, "/report")
        from trustworks.app.web import report  # noqa: PLC0415 - only where the service is configured
        from trustworks.core.time import any_time  # noqa: PLC0415
        from trustworks.issuance.revocation import (  # noqa: PLC0415
            ProblemReports,
            RevocationRequests,
            StatusChange,
        )

        log, clock = self.log.get(), self.clock
        requests = RevocationRequests(
            StatusChange(clock, log.recorder), clock=clock, recorder=log.recorder, database=log.database
        )
        reports = ProblemReports(
            requests,
            database=log.database,
            now=lambda: any_time(clock).utc,
            per_hour=settings.per_hour,
            per_address=settings.per_address,
        )
        return report.routes(reports, banners=self.banners, version=self.version)

    def _mailbox_routes(self) -> list[Route]:
        """The public page where holders of mailboxes answer; as the one before, it needs no token."""
        if self.wiring.issuance_settings.registration.mail is None:
            return []
        if not self.log.is_open:
            return closed.public_form(self.log, "/mailbox")
        from trustworks.app.web import mailbox  # noqa: PLC0415 - only where mail is configured
        from trustworks.issuance.registration.mailbox_answers import MailboxAnswers  # noqa: PLC0415

        log = self.log.get()
        answers = MailboxAnswers(clock=self.clock, recorder=log.recorder, database=log.database)
        return mailbox.routes(answers, banners=self.banners, version=self.version)

    def _repository_routes(self) -> list[Route]:
        """Certificates whose subjects agreed to that, for anybody; this needs the database alone."""
        if not self.wiring.issuance_settings.registration.publish:
            return []
        if not self.log.is_open:
            return closed.repository(self.log)
        from trustworks.issuance.http import repository  # noqa: PLC0415 - only where it is configured
        from trustworks.issuance.registration.repository import Repository  # noqa: PLC0415

        return repository.routes(Repository(self.log.get().database))

    def _trusted_list_routes(self) -> list[Route]:
        """Our own trusted lists, for anybody; this needs the database alone."""
        if self.wiring.issuance_settings.trusted_list is None:
            return []
        if not self.log.is_open:
            return closed.trusted_lists(self.log)
        from trustworks.app.web import trusted_list  # noqa: PLC0415 - only where it is configured
        from trustworks.issuance.http import trusted_list as http  # noqa: PLC0415 - as above

        draw = trusted_list.drawer(
            organization=self.wiring.issuance_settings.organization,
            banners=self.banners,
            version=self.version,
        )
        return http.routes(self.log.get().database, draw=draw)

    def _console_routes(self) -> list[Route]:
        return self.console.get() if self.console.is_open else closed.console(self.console)

    def _statement_routes(self) -> list[Route]:
        if not self.log.is_open:
            return closed.statements(self.log)
        from trustworks.app.statements import http  # noqa: PLC0415 - where the database is open
        from trustworks.app.web import statements  # noqa: PLC0415 - as above

        draw = statements.drawer(banners=self.banners, version=self.version)
        return http.routes(self.log.get().database, draw=draw)

    def _timestamping_routes(self) -> list[Route]:
        from trustworks.timestamping import http  # noqa: PLC0415 - only where the service is configured

        if self.timestamping.is_open:
            return http.routes(self.timestamping.get())
        return closed.timestamping(self.wiring.timestamping_settings, count=self._count_timestamp)

    def _validation_routes(self) -> list[Route]:
        if not self.validation.is_open:
            return closed.validation(self.validation)
        from trustworks.app.web.validation import ValidationPages  # noqa: PLC0415 - as above
        from trustworks.validation.http import rest, ts119442  # noqa: PLC0415

        desk = self.validation.get()
        pages = ValidationPages(desk, banners=self.banners, version=self.version)
        return [
            *rest.routes(desk, pages, folder=self.wiring.uploads_dir),
            *ts119442.routes(desk),
        ]

    def _signing_routes(self) -> list[Route]:
        if not self.signing.is_open:
            return closed.signing(self.signing, page=bool(self.wiring.signing_settings.seals))
        from trustworks.signing import http  # noqa: PLC0415 - only where the service is configured

        found = http.routes(self.signing.get())
        if self.agreements is not None:
            from trustworks.app.web.sign import SignPage  # noqa: PLC0415 - as above

            page = SignPage(
                self.agreements,
                folder=self.wiring.uploads_dir,
                banners=self.banners,
                version=self.version,
            )
            found += page.routes
        return found

    @property
    def _count_timestamp(self) -> Callable[[str, str], None] | None:
        return None if self._traffic is None else self._traffic.timestamp

    def _status_routes(self) -> list[Route]:
        from trustworks.issuance.http import status  # noqa: PLC0415 - only where the service is configured

        count = None if self._traffic is None else self._traffic.ocsp_response
        if self.status.is_open:
            return status.routes(self.status.get(), count=count)
        return closed.status(self.status, count=count)

    def _enrolment_routes(self) -> list[Route]:
        from trustworks.issuance.http import enrolment  # noqa: PLC0415 - only where a protocol is configured

        if self.enrolment.is_open:
            return enrolment.routes(self.enrolment.get())
        return closed.enrolment(self.enrolment, self.wiring.issuance_settings.protocols)

    # Health and pages

    def _checks(self) -> dict[str, Callable[[], Well]]:
        return checks.of(self)

    @property
    def product(self) -> ProductIdentity:
        """Which product runs, by the last look at what is installed."""
        from trustworks.assurance.integrity.identity import identity_in  # noqa: PLC0415 - as the pages

        return identity_in(self.wiring.run_dir)

    @cached_property
    def version(self) -> str:
        """The product's version, build and manifest as pages tell them, as of the start."""
        return self.product.line

    @cached_property
    def banners(self) -> tuple[tuple[str, str], ...]:
        """What every reader must be told first."""
        return checks.banners(self.wiring.config)

    def overview(self) -> Overview:
        """The status page's values."""
        from trustworks.app.web.gather import overview  # noqa: PLC0415 - few workers are ever asked for the page

        return overview(self)

    def trust_file(self, name: str) -> bytes | None:
        """A trust anchor of the folder ``trust``, or None."""
        if name not in {"root.pem", "chain.pem"}:
            return None
        file = self.wiring.base / "trust" / name
        try:
            return file.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            log.warning("trust.unreadable", file=str(file), reason=error.strerror)
            return None
