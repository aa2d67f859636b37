"""Creation of signatures: keys, time-stamps and validation data, by the configuration or the command line."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from trustworks.app.certificates import named as named_certificates
from trustworks.app.wiring.evidencing import Evidencing, evidence_by_options
from trustworks.app.wiring.modules import TOKENS
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.trace import implements

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from trustworks.app.certificates import NamedCertificate
    from trustworks.core.audit import Event, Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.ports import Stamper
    from trustworks.core.store import Database
    from trustworks.core.time import Clock
    from trustworks.signing.agreeing import Agreements
    from trustworks.signing.cli.wiring import Sources
    from trustworks.signing.config import SealSettings, SigningSettings
    from trustworks.signing.create.process import Creation
    from trustworks.signing.desk import Desk, Seal
    from trustworks.validation.gathering.fetching import FetchLimits


PROCESS: Final = "trustworks.app.processes.signatures"
"""The module that a process runs which makes signatures for clients."""


class Creating(Evidencing):
    """What signs, and what raises signatures to a level."""

    def creation(self, sources: Sources) -> Creation:
        """What makes signatures, by the words of a command. Raises `Malformed` for what cannot be read.

        The status of certificates is looked at where trust anchors are named, and up to these; else up to
        those of [validation], where there is a configuration that has it.
        """
        from trustworks.signing.create.levels import Means  # noqa: PLC0415 - loads the formats
        from trustworks.signing.create.process import Creation, Terms  # noqa: PLC0415 - as above

        evidence = anchors = None
        if sources.trust:
            from trustworks.validation.given import trusted_of  # noqa: PLC0415 - as above

            evidence = evidence_by_options(
                policy="ades",
                trust=sources.trust,
                untrusted=sources.untrusted,
                offline=sources.offline,
                networks=sources.networks,
                cache=sources.cache,
                limits=self._fetch_limits(),
            )
            anchors = trusted_of(sources.trust, datetime.now(UTC)).trust.anchors
        elif self._is_configured() and self.config.validation is not None:
            evidence = self.evidence_source()
            anchors = self.validation_offer().trusted().trust.anchors
        return Creation(
            means=Means(
                clock=self._signing_clock(),
                stamper=_stamper(sources.time_stamp_url),
                evidence=evidence,
                anchors=anchors,
                fresh=sources.fresh,
            ),
            terms=Terms(qualified=sources.qualified, device=sources.device, lab=self._is_lab()),
        )

    @property
    def signing_settings(self) -> SigningSettings:
        """[signing]. Raises `Rejected` when the configuration has none."""
        found = self.config.signing
        if found is None:
            raise Rejected(
                "config.signing",
                f"{self.loaded.file} has no [signing]: add it (`trustworks config explain signing`) or name "
                "another file with --config.",
            )
        return found

    def service_creation(self) -> Callable[[bool, bool], Creation]:
        """What makes signatures for clients, as [signing] says.

        It is told whether certificates have to be qualified ones, and to state a qualified device.

        It is asked for each request, and trusts whom [validation] trusts by then. Raises `Malformed` for
        trust that cannot be read, now or when it is asked.
        """
        from trustworks.signing.create.levels import Means  # noqa: PLC0415 - loads the formats
        from trustworks.signing.create.process import Creation, Terms  # noqa: PLC0415 - as above

        settings = self.signing_settings
        stamper = _stamper(settings.time_stamp_url)
        known = self.config.validation is not None
        evidence = self.evidence_source() if known else None
        offer = self.validation_offer() if known else None

        clock = self._signing_clock()

        def now(qualified: bool, device: bool) -> Creation:  # noqa: FBT001 - what seals differ in
            return Creation(
                means=Means(
                    clock=clock,
                    stamper=stamper,
                    evidence=evidence,
                    anchors=None if offer is None else offer.trusted().trust.anchors,
                    fresh=settings.fresh,
                ),
                terms=Terms(qualified=qualified, device=device, ed25519=settings.ed25519, lab=self.lab),
                scratch=self.run_dir / "signing",
            )

        return now

    def signing_desk(
        self, *, module: Module | None, database: Database, recorder: Recorder, clock: Clock
    ) -> Desk:
        """The service of one worker; `module` has the keys of its seals, where it has any.

        Raises:
            Unavailable: a certificate of a seal cannot be read; its key is not there.
            Rejected: ``signing.seal-key``: it is another key's.
        """
        from trustworks.signing.bounded.pool import Pool  # noqa: PLC0415 - where the service is configured
        from trustworks.signing.desk import Desk  # noqa: PLC0415 - as above

        settings = self.signing_settings
        seals = {}
        if module is not None:
            for one in settings.seals:
                seals[one.name] = self._seal(one, module.key(one.key), database)
        first = {"config": str(self.loaded.file.resolve())}
        return Desk(
            settings,
            Pool(PROCESS, first, settings.limits),
            seals=seals,
            database=database,
            recorder=recorder,
            clock=lambda: clock.now().utc,
            lab=self.lab,
        )

    @contextmanager
    def open_agreements(self, desk: Desk, *, recorder: Recorder, clock: Clock) -> Iterator[Agreements]:
        """What the page does on which people read, agree and sign; all processes share its secret."""
        from trustworks.core.secret_file import (  # noqa: PLC0415 - as above
            derived_key,
            draw_secret,
            read_secret,
        )
        from trustworks.signing.agreeing import Agreements  # noqa: PLC0415 - as above
        from trustworks.signing.messages import catalogue  # noqa: PLC0415 - as above
        from trustworks.signing.shown.viewer import Viewer  # noqa: PLC0415 - as above

        file = self.state_dir / "signing.secret"

        def key() -> bytes:
            draw_secret(file)
            secret = read_secret(file, whose="The signing page's", code="signing.page-secret")
            return derived_key(secret, b"trustworks signing tickets")

        with Viewer() as viewer:
            yield Agreements(
                desk, viewer, key=key, recorder=recorder, clock=lambda: clock.now().utc, words=catalogue()
            )

    def _seal(self, settings: SealSettings, key: Key, database: Database) -> Seal:
        from cryptography.hazmat.primitives.serialization import Encoding  # noqa: PLC0415 - as above

        from trustworks.core.der.x509 import public_key_info  # noqa: PLC0415 - as above
        from trustworks.core.pki.certificates import load, load_pem_file  # noqa: PLC0415 - as above
        from trustworks.signing.desk import Seal, check_certificate_of_key  # noqa: PLC0415 - as above

        try:
            found = tuple(one.public_bytes(Encoding.DER) for one in load_pem_file(settings.certificate))
        except Malformed as error:
            raise Unavailable(
                "signing.no-seal",
                f"{error} Issue one for the key {settings.key!r} and name it in [[signing.seals]].",
            ) from None
        check_certificate_of_key(settings.name, public_key_info(found[0]), key.spki)
        serial = load(found[0]).serial_number
        return Seal(
            certificates=found,
            scheme=key.scheme.name,
            sign=key.sign,
            spki=key.spki,
            qualified=settings.qualified,
            device=settings.device,
            revoked=lambda: self.revoked(database, serial),
        )

    @contextmanager
    def open_signing_key(self, named: str) -> Iterator[tuple[Key, Callable[[Event], None]]]:
        """A key by its PKCS#11 URI, or by TOKEN/LABEL of the configuration; with who tells the audit log.

        A token of the configuration is opened as the services open it, whichever way it is named, and the
        log is told of what its key signs. Any other token is somebody's own.

        Raises:
            Malformed: the name is neither.
            Unavailable, Refused: as the module says.
        """
        if not named.lower().startswith("pkcs11:"):
            token, _, label = named.partition("/")
            if not label:
                raise Malformed(
                    f"{named[:80]!r} names no key. Write pkcs11:token=NAME;object=LABEL?pin-source=file:PATH "
                    "or, for a token of the configuration, TOKEN/LABEL, such as services/seal."
                )
            with self._ours(token) as (module, tell):
                found = module.key(label)
                check_is_for_documents(token, label, named_certificates(self.config))
                yield found, tell
            return
        from trustworks.core.module import Module, Pkcs11Uri  # noqa: PLC0415 - loads the binding

        uri = Pkcs11Uri.parse(named)
        ours = self._named(uri.token)
        if ours is None:
            with Module.open(uri, lab=self._is_lab()) as module:
                yield module.key(), lambda _: None
            return
        with self._ours(ours) as (module, tell):
            found = module.key(uri.object, uri.id)
            check_is_for_documents(ours, found.label, named_certificates(self.config))
            yield found, tell

    @contextmanager
    def _ours(self, token: str) -> Iterator[tuple[Module, Callable[[Event], None]]]:
        with (
            self.open_database() as database,
            self.open_recorder("operator", database=database) as recorder,
            self.open_module(token) as module,
        ):
            yield module, recorder.record

    def _named(self, label: str | None) -> str | None:
        """The name that the configuration has for a token with that label; None for another's."""
        if label is None or not self._is_configured():
            return None
        for name in (*TOKENS, *self.config.tokens.further):
            with suppress(Rejected):  # a token that is not set
                if self.token_uri(name).token == label:
                    return name
        return None

    def _is_configured(self) -> bool:
        """Whether there is a configuration: a signer's own key needs none."""
        from trustworks.app.configuration import config  # noqa: PLC0415 - reads the models of every service

        try:
            config.find(self.given)
        except Malformed:
            if self.given is not None:
                raise
            return False
        return True

    def _fetch_limits(self) -> FetchLimits | None:
        """What [validation] says of fetching, where there is a configuration that has it."""
        if not self._is_configured() or self.config.validation is None:
            return None
        from trustworks.validation.offer import fetch_limits_of  # noqa: PLC0415 - loads the client of HTTP

        return fetch_limits_of(self.validation_settings)

    def _signing_clock(self) -> Callable[[], datetime]:
        """The time by which is signed: that of [time]; without a configuration that of the system.

        What is answered raises `Unavailable` where [time] asks for proof of the time, and there is none.
        """
        if not self._is_configured():
            return lambda: datetime.now(UTC)
        clock = self.open_clock()
        return lambda: clock.now().utc

    def _is_lab(self) -> bool:
        return self._is_configured() and self.lab


@implements("TRUSTWORKS:SIGNING-KEY-FOR-DOCUMENTS")
def check_is_for_documents(token: str, label: str, named: Iterable[NamedCertificate]) -> None:
    """A key that the configuration has for something else signs no documents by command.

    Raises `Rejected` (``signing.key-of-service``).
    """
    for one in named:
        if (one.token, one.label) == (token, label) and not one.setting.startswith("signing.seals"):
            raise Rejected(
                "signing.key-of-service",
                f"The key {token}/{label} is that of [{one.setting}] ({one.use}), and signs nothing else. "
                "Make one for documents (`trustworks module generate-key`), and get a certificate for it.",
            )


def _stamper(url: str | None) -> Stamper | None:
    """The authority at an address; None without one."""
    if url is None:
        return None
    from trustworks.app.stamper import HttpStamper  # noqa: PLC0415 - loads HTTP

    return HttpStamper(url)
