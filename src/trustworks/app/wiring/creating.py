"""Creation of signatures: keys, time-stamps and validation data, by the configuration or the command line."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from trustworks.app.wiring.evidencing import Evidencing, evidence_by_options
from trustworks.app.wiring.modules import TOKENS
from trustworks.core.errors import Malformed, Rejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from trustworks.core.audit import Event
    from trustworks.core.module import Key, Module
    from trustworks.signing.cli.wiring import Sources
    from trustworks.signing.create.process import Creation


class Creating(Evidencing):
    """What signs, and what raises signatures to a level."""

    def creation(self, sources: Sources) -> Creation:
        """What makes signatures, by the words of a command. Raises `Malformed` for what cannot be read.

        The status of certificates is looked at where trust anchors are named, and up to these; else up to
        those of [validation], where there is a configuration that has it.
        """
        from trustworks.signing.create.levels import Means  # noqa: PLC0415 - loads the formats
        from trustworks.signing.create.process import Creation, Terms  # noqa: PLC0415 - as above

        stamper = None
        if sources.time_stamp_url is not None:
            from trustworks.app.stamper import HttpStamper  # noqa: PLC0415 - loads HTTP

            stamper = HttpStamper(sources.time_stamp_url)
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
            )
            anchors = trusted_of(sources.trust, datetime.now(UTC)).trust.anchors
        elif self._is_configured() and self.config.validation is not None:
            evidence = self.evidence_source()
            anchors = self.validation_offer().trusted().trust.anchors
        return Creation(
            means=Means(
                clock=lambda: datetime.now(UTC),
                stamper=stamper,
                evidence=evidence,
                anchors=anchors,
                fresh=sources.fresh,
            ),
            terms=Terms(qualified=sources.qualified, lab=self._is_lab()),
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
                yield module.key(label), tell
            return
        from trustworks.core.module import Module, Pkcs11Uri  # noqa: PLC0415 - loads the binding

        uri = Pkcs11Uri.parse(named)
        ours = self._named(uri.token)
        if ours is None:
            with Module.open(uri, lab=self._is_lab()) as module:
                yield module.key(), lambda _: None
            return
        with self._ours(ours) as (module, tell):
            yield module.key(uri.object, uri.id), tell

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

    def _is_lab(self) -> bool:
        return self._is_configured() and self.lab
