"""How requests for certificates come in: registration, the enrolment protocols, the JSON API."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from trustworks.app.wiring.issuing import Issuing
from trustworks.core.errors import Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.issuance.enrolment.acme.validation.queue import ValidationQueue
    from trustworks.issuance.enrolment.clients import ApiClients
    from trustworks.issuance.enrolment.control import Control
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.enrolment.secret_key import SecretKey
    from trustworks.issuance.notices.delivery import Delivery
    from trustworks.issuance.notices.endpoints import Webhooks
    from trustworks.issuance.registration.mail import SmtpMailer
    from trustworks.issuance.registration.service import Registration


class Enrolling(Issuing):
    """What stands on the certification authorities and asks them for certificates."""

    @contextmanager
    def open_api_clients(self) -> Iterator[ApiClients]:
        """The clients of the JSON API. Raises `Rejected` when the configuration has none."""
        from trustworks.issuance.enrolment.clients import ApiClients  # noqa: PLC0415

        settings = self.issuance_settings.api
        if settings is None:
            raise Rejected(
                "config.api", f"{self.loaded.file} has no [issuance.api]: add that line, and there is an API."
            )
        with self.open_database() as database, self.open_recorder("api", database=database) as log:
            yield ApiClients(settings, clock=self.open_clock(), recorder=log, database=database)

    @contextmanager
    def open_enrolment_key(self) -> Iterator[SecretKey]:
        """The key that secrets of enrolment are encrypted with; the token is opened when one is needed."""
        from trustworks.issuance.enrolment.secret_key import secret_key  # noqa: PLC0415

        with ExitStack() as stack:
            yield secret_key(
                self.issuance_settings, state_dir=self.state_dir, service_key=self._service_keys(stack)
            )

    def _service_keys(self, stack: ExitStack) -> Callable[[str], Key]:
        """What gives keys of the token `services`, which is opened for the first one until `stack` ends."""
        opened: list[Module] = []

        def key(label: str) -> Key:
            if not opened:
                opened.append(stack.enter_context(self.open_module("services")))
            return opened[0].key(label)

        return key

    @contextmanager
    def open_webhooks(
        self, *, database: Database | None = None, recorder: Recorder | None = None
    ) -> Iterator[Webhooks]:
        """The webhooks of the API's clients. Raises `Rejected` when the configuration has no API."""
        from trustworks.issuance.notices.endpoints import Webhooks  # noqa: PLC0415

        settings = self.issuance_settings.api
        if settings is None:
            raise Rejected(
                "config.api", f"{self.loaded.file} has no [issuance.api]: add that line, and there is an API."
            )
        with ExitStack() as stack:
            store = database if database is not None else stack.enter_context(self.open_database())
            log = recorder or stack.enter_context(self.open_recorder("webhooks", database=store))
            key = stack.enter_context(self.open_enrolment_key())
            yield Webhooks(
                settings.webhooks,
                clock=self.open_clock(),
                recorder=log,
                database=store,
                key=key,
                lab=self.lab,
            )

    @contextmanager
    def open_delivery(self, *, database: Database, recorder: Recorder) -> Iterator[Delivery]:
        """Who hands notices over: to the operator's command, and to webhooks where there is an API."""
        from datetime import UTC, datetime  # noqa: PLC0415

        from trustworks.issuance.notices.command import Command  # noqa: PLC0415
        from trustworks.issuance.notices.delivery import Delivery  # noqa: PLC0415
        from trustworks.issuance.notices.sending import Sender  # noqa: PLC0415

        settings = self.issuance_settings
        with ExitStack() as stack:
            webhooks = sender = None
            if settings.api is not None:
                webhooks = stack.enter_context(self.open_webhooks(database=database, recorder=recorder))
                sender = Sender(settings.api.webhooks, lab=self.lab)
            delivery = Delivery(
                database=database,
                recorder=recorder,
                now=lambda: datetime.now(UTC),
                command=Command(settings.notices.command) if settings.notices.command else None,
                webhooks=webhooks,
                sender=sender,
            )
            stack.callback(delivery.close)
            yield delivery

    @contextmanager
    def open_registration(
        self, role: str = "registration", *, module: Callable[[str], Module] | None = None
    ) -> Iterator[Registration]:
        """The registration authority's desk, over the certification authorities.

        `module` answers the module of a token that the caller has open.
        """
        from trustworks.issuance.registration.service import Registration  # noqa: PLC0415

        with (
            self.open_database() as database,
            self.open_recorder(role, database=database) as log,
            self.open_issuance(database=database, recorder=log, module=module) as issuance,
        ):
            yield Registration(
                self.issuance_settings.registration,
                issuance=issuance,
                clock=self.open_clock(),
                recorder=log,
                database=database,
                base=self.base,
            )

    def open_domain_control(self) -> Control:
        """What looks whether applicants control the names of their web sites."""
        from trustworks.issuance.enrolment.control import control_of  # noqa: PLC0415

        return control_of(self.issuance_settings, lab=self.lab)

    def open_mailer(self) -> SmtpMailer:
        """What mails to holders of mailboxes. Raises `Rejected` where no mail server is configured."""
        from trustworks.issuance.registration.mail import mailer_of  # noqa: PLC0415

        return mailer_of(self.issuance_settings, public_url=self.config.http.public_url)

    @contextmanager
    def open_registration_authority(
        self,
        role: str = "enrolment",
        *,
        database: Database | None = None,
        recorder: Recorder | None = None,
        clock: Clock | None = None,
        module: Callable[[str], Module] | None = None,
        service_key: Callable[[str], Key] | None = None,
        service_module: Callable[[], Module] | None = None,
    ) -> Iterator[RegistrationAuthority]:
        """What enrolment protocols stand on, over what the caller has open already."""
        from trustworks.app.configuration.settings import https_origins  # noqa: PLC0415
        from trustworks.issuance.enrolment.ra import RegistrationAuthority  # noqa: PLC0415

        with ExitStack() as stack:
            store = database if database is not None else stack.enter_context(self.open_database())
            log = (
                recorder
                if recorder is not None
                else stack.enter_context(self.open_recorder(role, database=store))
            )
            issuance = stack.enter_context(self.open_issuance(database=store, recorder=log, module=module))
            http = self.config.http
            yield RegistrationAuthority(
                settings=self.issuance_settings,
                public_url=http.public_url.rstrip("/"),
                issuance=issuance,
                database=store,
                recorder=log,
                clock=clock if clock is not None else self.open_clock(),
                lab=self.lab,
                service_key=service_key or self._service_keys(stack),
                service_module=service_module,
                base=self.base,
                state_dir=self.state_dir,
                origins=https_origins(http),
            )

    @contextmanager
    def open_validation(self, *, database: Database, recorder: Recorder) -> Iterator[ValidationQueue]:
        """The queue of ACME's validation, with the settings of [issuance.acme]."""
        from trustworks.issuance.enrolment.acme.validation.queue import open_queue  # noqa: PLC0415
        from trustworks.issuance.enrolment.dnssec import demanded  # noqa: PLC0415
        from trustworks.issuance.enrolment.perspectives.client import corroboration_of  # noqa: PLC0415

        settings = self.issuance_settings.acme
        if settings is None:
            raise Rejected(
                "config.acme",
                f"{self.loaded.file} has no [issuance.acme]: `trustworks config explain` tells of it.",
            )
        queue = open_queue(
            settings,
            corroboration=corroboration_of(self.issuance_settings.perspectives, lab=self.lab),
            database=database,
            recorder=recorder,
            clock=self.open_clock(),
            dnssec=demanded(self.issuance_settings, lab=self.lab),
        )
        try:
            yield queue
        finally:
            queue.close()
