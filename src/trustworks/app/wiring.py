"""Opens what a command or a process needs out of a configuration; imports nothing before it is asked for."""

from __future__ import annotations

from contextlib import ExitStack, contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from trustworks.core.errors import Rejected, TrustworksError, Unavailable

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator
    from pathlib import Path

    from trustworks.app.configuration.config import Config, Loaded
    from trustworks.core.audit import Recorder
    from trustworks.core.keys import KeyStates
    from trustworks.core.module import Key, Module, Pkcs11Uri
    from trustworks.core.module.states import KeyState
    from trustworks.core.roles.model import Act, Person
    from trustworks.core.roles.service import Roles
    from trustworks.core.store import Database, Objects
    from trustworks.core.time import Clock, TrustedDay
    from trustworks.issuance.config import IssuanceSettings
    from trustworks.issuance.enrolment.acme.validation.queue import ValidationQueue
    from trustworks.issuance.enrolment.clients import ApiClients
    from trustworks.issuance.enrolment.ra import RegistrationAuthority
    from trustworks.issuance.registration.service import Registration
    from trustworks.issuance.service import Issuance
    from trustworks.issuance.status.crl import CrlPublisher
    from trustworks.issuance.status.services import StatusServices
    from trustworks.timestamping.config import TimestampingSettings
    from trustworks.timestamping.service import TimestampingAuthority

TOKENS = ("root", "issuing", "tsu", "services", "audit")


class Wiring:
    """The resources of one configuration.

    Made by `lazy`: the file is looked for and read when the first attribute is used, so that `trustworks
    --help` and `trustworks lab` work where there is none. What the ``open_...`` methods give is closed by the
    with statement.
    """

    def __init__(self, given: Path | None) -> None:
        self._given = given

    @classmethod
    def lazy(cls, given: Path | None) -> Wiring:
        """The wiring of the configuration file `given`, or of the one in the default places."""
        return cls(given)

    @classmethod
    def over(cls, loaded: Loaded) -> Wiring:
        """The wiring of a configuration that need be in no file."""
        made = cls(loaded.file)
        made.__dict__["loaded"] = loaded  # where the cached property would put what it reads
        return made

    @property
    def given(self) -> Path | None:
        """The configuration file that the command line named, if any."""
        return self._given

    @cached_property
    def loaded(self) -> Loaded:
        """The configuration with its file. Raises `Malformed` when there is none, or when it is wrong."""
        from trustworks.app.configuration import config  # noqa: PLC0415 - reads the models of every service

        return config.load(config.find(self._given))

    @property
    def config(self) -> Config:
        """The configuration."""
        return self.loaded.config

    @property
    def base(self) -> Path:
        """The folder of the configuration file; relative paths are meant from here."""
        return self.loaded.base

    @property
    def state_dir(self) -> Path:
        """The folder for what must survive restarts: database, objects, the clock's latched stop."""
        return self.loaded.state

    @property
    def run_dir(self) -> Path:
        """The folder for what lives as long as the processes do: locks, counters, heartbeats."""
        return self.loaded.run

    @property
    def lab(self) -> bool:
        """Whether this is a laboratory."""
        return self.config.provider.lab

    # Module

    def token_uri(self, name: str) -> Pkcs11Uri:
        """The URI of the token for a security context: one of `TOKENS`, or of [tokens.further]."""
        from trustworks.core.module import Pkcs11Uri  # noqa: PLC0415 - loads the binding

        further = self.config.tokens.further
        if name not in TOKENS and name not in further:
            known = ", ".join((*TOKENS, *further))
            raise Rejected(
                "config.token",
                f"There is no token {name!r}; there are {known}. Name another under [tokens.further].",
            )
        uri: str | None = further[name] if name in further else getattr(self.config.tokens, name)
        if uri is None:
            raise Rejected(
                "config.token",
                f"[tokens] {name} is not set in {self.loaded.file}. Name the token by a URI such as "
                f"pkcs11:token={name}?pin-source=file:secrets/{name}.pin.",
            )
        return Pkcs11Uri.parse(uri)

    def pin_state(self, name: str) -> tuple[int, int, int] | None:
        """What changes when the PIN file of a token is written anew; None while there is none."""
        from trustworks.core.module.pin import pin_path  # noqa: PLC0415 - loads the binding

        try:
            source = self.token_uri(name).pin_source
            if source is None:
                return None
            found = pin_path(source, self.base).stat()
        except (OSError, TrustworksError):
            return None
        return found.st_mtime_ns, found.st_ino, found.st_size

    @contextmanager
    def open_module(
        self, token: str, *, read_write: bool = False, any_state: bool = False
    ) -> Iterator[Module]:
        """The cryptographic module, opened on the token of a security context.

        Keys sign that the register knows as operational, or not at all. `any_state`: they sign whatever their
        state is, as a key does for the request by which it gets its certificate.
        """
        from trustworks.core.module import Module  # noqa: PLC0415 - loads the binding

        attended = self._attended(token)
        with ExitStack() as stack:
            register = _Register(self, stack)
            module = stack.enter_context(
                Module.open(
                    self.token_uri(token),
                    read_write=read_write,
                    lab=self.lab,
                    base=self.base,
                    today=self.today,
                    settings=self.config.module,
                    state=self.state_dir,
                    state_of=None if any_state else register.state_of,
                    register=register.on_token,
                )
            )
            module.attended = attended
            yield module

    def _attended(self, token: str) -> bool:
        """Whether somebody had to activate the token; refuses one that starts by itself, unless accepted."""
        from trustworks.core.module.activation import check_attended, in_memory  # noqa: PLC0415 - as above
        from trustworks.core.module.pin import pin_path  # noqa: PLC0415 - as above

        source = self.token_uri(token).pin_source
        if source is None:
            return True
        file = pin_path(source, self.base)
        attended = in_memory(file)
        accepted = self.config.module.unattended_start
        check_attended(memory=attended, unattended=accepted, lab=self.lab, file=file)
        return attended

    # Clock

    def open_clock(self) -> Clock:
        """The clock; opening it never fails for want of trusted time."""
        from trustworks.core.time import open_clock  # noqa: PLC0415

        return open_clock(self.config.time, self.state_dir)

    @cached_property
    def today(self) -> TrustedDay:
        """The day by trusted time."""
        from trustworks.core.time import TrustedDay  # noqa: PLC0415

        return TrustedDay(self.open_clock())

    # Store and audit log

    @contextmanager
    def open_database(self, *, check: bool = True) -> Iterator[Database]:
        """The database; with `check`, only when its schema is the one that this version needs."""
        from trustworks.core.store import Database  # noqa: PLC0415 - loads SQLAlchemy

        database = Database.open(self.config.store)
        try:
            if check:
                database.check_schema()
            yield database
        finally:
            database.close()

    def open_objects(self) -> Objects:
        """The store of objects."""
        from trustworks.core.store import Objects  # noqa: PLC0415 - loads obstore

        return Objects(self.config.store.objects)

    @contextmanager
    def open_recorder(self, role: str, *, database: Database | None = None) -> Iterator[Recorder]:
        """The audit log, for a stream of its own; over `database` when the caller has it open already.

        Raises `Unavailable`, also for a database that would lose acknowledged records in a power cut.
        """
        from trustworks.core.audit import Recorder  # noqa: PLC0415 - loads SQLAlchemy

        with ExitStack() as stack:
            opened = database if database is not None else stack.enter_context(self.open_database())
            opened.check_durable()
            recorder = Recorder.open(opened, role)
            stack.callback(recorder.close)
            yield recorder

    # Trusted roles

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

    def officer(
        self, act: Act, name: str | None, key: str | None, *, concerned: Iterable[Person] = ()
    ) -> str | None:
        """The operator who does `act`, authenticated; None where none is needed (see `acting.officer`)."""
        from trustworks.app.acting import officer  # noqa: PLC0415 - loads the libraries of signatures

        return officer(self, act, name, key, concerned=concerned)

    # Services

    def timestamping_authority(
        self, *, module: Module, recorder: Recorder, database: Database, clock: Clock
    ) -> TimestampingAuthority:
        """The time-stamping authority over the token `tsu`."""
        from trustworks.timestamping.service import TimestampingAuthority  # noqa: PLC0415

        return TimestampingAuthority(
            self.timestamping_settings,
            keys=module.key,
            clock=clock,
            time_settings=self.config.time,
            recorder=recorder,
            database=database,
            lab=self.lab,
            revoked=lambda serial: self.revoked(database, serial),
        )

    def revoked(self, database: Database, serial: int) -> str | None:
        """Why and since when a certificate of our own is revoked; None while it is not, or for another's."""
        if self.config.issuance is None:
            return None
        from trustworks.issuance.model import serial_hex  # noqa: PLC0415 - where it is configured
        from trustworks.issuance.status import standing  # noqa: PLC0415

        with database.read() as connection:
            return standing.revoked(connection, serial_hex(serial))

    @contextmanager
    def open_issuance(
        self,
        role: str = "issuance",
        *,
        database: Database | None = None,
        recorder: Recorder | None = None,
        module: Callable[[str], Module] | None = None,
    ) -> Iterator[Issuance]:
        """The certification authorities; an authority's token is opened when it is to sign, not before.

        `module` answers the module of a token that the caller has open.
        """
        from trustworks.issuance.ct import Transparency  # noqa: PLC0415
        from trustworks.issuance.enrolment.caa import asker  # noqa: PLC0415
        from trustworks.issuance.service import Issuance  # noqa: PLC0415

        settings = self.issuance_settings
        opened: dict[str, Key] = {}
        with ExitStack() as stack:
            store = database if database is not None else stack.enter_context(self.open_database())
            log = (
                recorder
                if recorder is not None
                else stack.enter_context(self.open_recorder(role, database=store))
            )

            tokens: dict[str, Module] = {}

            def token_of(name: str) -> Module:
                if module is not None:
                    return module(name)
                if name not in tokens:
                    tokens[name] = stack.enter_context(self.open_module(name))
                return tokens[name]

            def key(authority: str) -> Key:
                if authority not in opened:
                    token, label = self.authority_place(store, authority)
                    opened[authority] = token_of(token).key(label)
                return opened[authority]

            yield Issuance(
                settings,
                public_url=self.config.http.public_url,
                keys=key,
                clock=self.open_clock(),
                recorder=log,
                database=store,
                lab=self.lab,
                caa=None if settings.caa is None else asker(settings.caa),
                transparency=None if settings.ct is None else Transparency.of(settings.ct),
            )

    def authority_place(self, database: Database, name: str) -> tuple[str, str]:
        """The token and the label of an authority's key: the configuration's for the two that it names.

        Raises `Unavailable` (issuance.authority-absent) where there is no such authority.
        """
        settings = self.issuance_settings
        labels = {"root": settings.root.key, "issuing": settings.issuing.key}
        if name in labels:
            return name, labels[name]
        from trustworks.issuance import records  # noqa: PLC0415 - where a further authority is asked for

        with database.read() as connection:
            found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "issuance.authority-absent",
                f"There is no authority {name!r}. `trustworks keys ceremony plan sub-ca` begins one.",
            )
        return found.token, found.key_label

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
    def open_registration(self) -> Iterator[Registration]:
        """The registration authority's desk, over the certification authorities."""
        from trustworks.issuance.registration.service import Registration  # noqa: PLC0415

        with (
            self.open_database() as database,
            self.open_recorder("registration", database=database) as log,
            self.open_issuance(database=database, recorder=log) as issuance,
        ):
            yield Registration(
                self.issuance_settings.registration,
                issuance=issuance,
                clock=self.open_clock(),
                recorder=log,
                database=database,
            )

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
                service_key=service_key,
                base=self.base,
                state_dir=self.state_dir,
                origins=https_origins(http),
            )

    @contextmanager
    def open_validation(self, *, database: Database, recorder: Recorder) -> Iterator[ValidationQueue]:
        """The queue of ACME's validation, with the settings of [issuance.acme]."""
        from trustworks.issuance.enrolment.acme.validation.queue import open_queue  # noqa: PLC0415

        settings = self.issuance_settings.acme
        if settings is None:
            raise Rejected(
                "config.acme",
                f"{self.loaded.file} has no [issuance.acme]: `trustworks config explain` tells of it.",
            )
        queue = open_queue(settings, database=database, recorder=recorder, clock=self.open_clock())
        try:
            yield queue
        finally:
            queue.close()

    def status_services(self, *, module: Module, database: Database, clock: Clock) -> StatusServices:
        """OCSP over the token `services`, and what is published: revocation lists and CA certificates."""
        from trustworks.issuance.status.services import StatusServices  # noqa: PLC0415

        return StatusServices.open(
            self.issuance_settings, module=module, database=database, clock=clock, base=self.base
        )

    def crl_publisher(
        self,
        *,
        database: Database,
        recorder: Recorder,
        clock: Clock,
        tokens: Callable[[str], Module],
        roots: bool = False,
    ) -> CrlPublisher:
        """The publisher of revocation lists; `tokens` opens a token by its name when a list is due.

        Lists of roots are published only with `roots`: no service opens their tokens.
        """
        from trustworks.issuance import records  # noqa: PLC0415
        from trustworks.issuance.status.crl import CrlPublisher  # noqa: PLC0415

        opened: dict[str, Key] = {}

        def key(name: str) -> Key | None:
            if name not in opened:
                with database.read() as connection:
                    found = records.authority(connection, name)
                if found is None or (found.parent is None and not roots):
                    return None
                token, label = self.authority_place(database, name)
                opened[name] = tokens(token).key(label)
            return opened[name]

        return CrlPublisher(
            self.issuance_settings,
            public_url=self.public_url,
            database=database,
            recorder=recorder,
            clock=clock,
            keys=key,
        )

    @property
    def timestamping_settings(self) -> TimestampingSettings:
        """[timestamping]. Raises `Rejected` when the configuration has none."""
        found = self.config.timestamping
        if found is None:
            raise Rejected(
                "config.timestamping",
                f"{self.loaded.file} has no [timestamping]: add it (`trustworks config explain timestamping`)"
                " or name another file with --config.",
            )
        return found

    @property
    def public_url(self) -> str:
        """The address that certificates and lists name, without a slash at its end."""
        return self.config.http.public_url.rstrip("/")

    @property
    def issuance_settings(self) -> IssuanceSettings:
        """[issuance]. Raises `Rejected` when the configuration has none."""
        found = self.config.issuance
        if found is None:
            raise Rejected(
                "config.issuance",
                f"{self.loaded.file} has no [issuance]: add it (`trustworks config explain issuance`)"
                " or name another file with --config.",
            )
        return found


class _Register:
    """What a module asks the register of keys; the database is opened for the first question.

    The first keys of an installation are older than its tables: until these are there, nothing is known.
    """

    def __init__(self, wiring: Wiring, stack: ExitStack) -> None:
        self._wiring = wiring
        self._stack = stack
        self._database: Database | None = None
        self._states: KeyStates | None = None

    def _opened(self) -> KeyStates | None:
        if self._states is None:
            if self._database is None:
                self._database = self._stack.enter_context(self._wiring.open_database(check=False))
            if self._database.version() is not None:
                from trustworks.core.keys import KeyStates  # noqa: PLC0415 - loads SQLAlchemy

                self._states = KeyStates(self._database)
        return self._states

    def state_of(self, spki_sha256: bytes) -> KeyState | None:
        """The state of a key; None for one that is not known."""
        states = self._opened()
        return None if states is None else states(spki_sha256)

    def on_token(self, serial: str) -> tuple[frozenset[str], frozenset[str]]:
        """The keys that are on a token, and those that were."""
        states = self._opened()
        return (frozenset(), frozenset()) if states is None else states.on_token(serial)
