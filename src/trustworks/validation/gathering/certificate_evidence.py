"""What shows that a certificate stood at a time: the engine's own verdict on it, with what that rests on.

Certificates and revocation data are judged as validation judges them, fetched where they are missing, and
what the last verdict rests on is handed out. It is enough for level LT, or there is a refusal that says why
not: the certificate does not stand, something was not to be had, or nothing new enough is issued yet.
"""

from __future__ import annotations

import contextlib
import threading
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING, Final, NoReturn

from trustworks.core.errors import Rejected, Unavailable
from trustworks.core.pki.tokens import Certificate, OcspAnswer
from trustworks.core.ports import NOTHING, ValidationData
from trustworks.core.values import dataclass
from trustworks.validation.gathering.rounds import judged_in_rounds
from trustworks.validation.model import NeedKind
from trustworks.validation.model import Status as CheckStatus
from trustworks.validation.policies.constraints import Context
from trustworks.validation.policies.policy import Model
from trustworks.validation.rules.inputs import NO_FILE, Extra, Inputs, id_of, token
from trustworks.validation.rules.supporting import (
    above,
    data_of,
    is_whole,
    next_update,
    overdue,
    parts_of,
    support,
    unfit,
    untold,
    with_freshness,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from trustworks.formats.evidence import Token
    from trustworks.validation.gathering.fetching import Fetcher
    from trustworks.validation.gathering.rounds import Gathered
    from trustworks.validation.model import Check
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.revocation_status import Status
    from trustworks.validation.rules.supporting import Supported
    from trustworks.validation.trust import Trust

_LIVE: Final = timedelta(minutes=1)
"""An OCSP answer that is no older was made for who asked, or for who asked some seconds before."""
_SOON: Final = timedelta(seconds=1)
"""What revocation data tells of time: it has no parts of seconds."""
_LOCKS: Final = 64
_TURN: Final = 5.0
"""Seconds for which a thread waits for its turn at most."""
_MOST_TOLD: Final = 4
"""How many troubles of fetching a sentence names."""


class CertificateEvidence:
    """The `core.ports.EvidenceSource` of validation. Threads share it.

    `trust` answers whom one trusts now; `fetcher` None: nothing is fetched. `extra` is evidence that is there
    for every certificate, such as those of authorities. `patience`: for so long it waits by itself for what
    is not issued yet; a responder that answers anew each time needs some seconds. `now` is a clock in UTC.
    """

    def __init__(
        self,
        *,
        trust: Callable[[], Trust],
        policy: Policy,
        fetcher: Fetcher | None,
        extra: Extra = Extra(),  # noqa: B008 - it is frozen
        patience: timedelta = timedelta(0),
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._trust = trust
        self._policy = policy
        self._fetcher = fetcher
        self._extra = extra
        self._patience = patience
        self._now = now
        self._sleep = sleep
        self._locks = tuple(threading.Lock() for _ in range(_LOCKS))

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        """What level LT needs of a certificate. See `core.ports.EvidenceSource`, and what that raises."""
        until = self._now() + self._patience
        found = partial(self._found, certificate, at, since, time_stamp=time_stamp)

        def asked(trust: Trust, extra: Extra) -> _Evidence:
            return self._patiently(certificate, until, partial(found, trust, extra))

        nearest = asked(self._trust(), _with(self._extra, at_hand))
        for one in above(nearest.judged.found, nearest.judged.inputs):
            chain = ValidationData(certificates=tuple(each.der for each in one.certificates))
            # Where what is above does not stand, or cannot be had, the nearest anchor is enough as it is.
            with contextlib.suppress(Rejected, Unavailable):
                return nearest.data | asked(one.trust, _with(nearest.extra, chain)).data
        return nearest.data

    def _patiently(self, certificate: bytes, until: datetime, found: Callable[[], _Evidence]) -> _Evidence:
        """What `found` answers, once it is there; so long is waited for what is not issued yet."""
        while True:
            try:
                with self._turn(certificate):
                    return found()
            except Unavailable as error:
                if error.again is None or error.again > until:
                    raise
                again = error.again
            self._sleep(max((again - self._now()).total_seconds(), 0.0))

    @contextlib.contextmanager
    def _turn(self, certificate: bytes) -> Iterator[None]:
        """Threads that ask about the same certificate do so one after another: what came, comes once.

        Where servers are slow, none waits for all others.
        """
        lock = self._locks[hash(certificate) % len(self._locks)]
        own = lock.acquire(timeout=_TURN)
        try:
            yield
        finally:
            if own:
                lock.release()

    def _found(
        self,
        certificate: bytes,
        at: datetime,
        since: datetime | None,
        trust: Trust,
        extra: Extra,
        *,
        time_stamp: bool,
    ) -> _Evidence:
        leaf = Certificate.read(certificate)
        _in_validity(leaf, at, leaf)
        context = Context.TIME_STAMP if time_stamp else Context.SIGNATURE
        inputs = partial(
            Inputs,
            evidence=NO_FILE,
            trust=trust,
            policy=with_freshness(self._policy, context, at, since),
            at=at,
        )

        def judge(extra: Extra) -> _Judged:
            made = inputs(extra=extra)
            return _Judged(found=support(leaf, context, made), inputs=made)

        gathered = judged_in_rounds(
            judge,
            lambda judged: judged.found.needs,
            certificates={id_of(leaf): token("C", certificate)},
            trust=trust,
            extra=extra,
            fetcher=self._fetcher,
            lists_last=True,
        )
        conclusion = _Conclusion(gathered, since=since, now=self._now(), offline=self._fetcher is None)
        return _Evidence(data=conclusion.data(), judged=gathered.outcome, extra=gathered.extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Judged:
    found: Supported
    inputs: Inputs


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    """What is handed out, the judgement that rests on it, and all that was at hand for that."""

    data: ValidationData
    judged: _Judged
    extra: Extra


def _with(extra: Extra, at_hand: ValidationData) -> Extra:
    certificates = {one.id: one for one in (*extra.certificates, *_tokens("C", at_hand.certificates))}
    revocation = {
        one.id: one
        for one in (*extra.revocation, *_tokens("R", at_hand.lists), *_tokens("O", at_hand.answers))
    }
    return Extra(certificates=tuple(certificates.values()), revocation=tuple(revocation.values()))


def _tokens(letter: str, ders: Sequence[bytes]) -> Iterator[Token]:
    return (token(letter, der) for der in ders)


def _in_validity(certificate: Certificate, at: datetime, leaf: Certificate) -> None:
    """Time alone speaks against a certificate, whatever revocation data says. Raises `Rejected`."""
    whose = _whose(certificate, leaf)
    if at > certificate.not_after:
        raise Rejected(
            "evidence.expired",
            f"{whose}: expired at {_said(certificate.not_after)}, before {_said(at)}. Sign with one "
            "that is valid; for a signature that is there, a time-stamp of before could help.",
        )
    if at < certificate.not_before:
        raise Rejected(
            "evidence.not-yet-valid",
            f"{whose}: valid from {_said(certificate.not_before)}, and not yet at {_said(at)}.",
        )


def _said(moment: datetime) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%SZ}"


class _Conclusion:
    """The last judgement of a certificate: what it rests on, or why there is none to hand out."""

    def __init__(
        self, gathered: Gathered[_Judged], *, since: datetime | None, now: datetime, offline: bool
    ) -> None:
        self._gathered = gathered
        self._found = gathered.outcome.found
        self._inputs = gathered.outcome.inputs
        self._leaf = self._found.result.leaf
        self._since = since
        self._now = now
        self._offline = offline

    def data(self) -> ValidationData:
        """What it rests on. Raises as `EvidenceSource.evidence_of`."""
        found, inputs, result = self._found, self._inputs, self._found.result
        if result.path is None:
            self._no_path()
        if not result.conclusion.passed:
            for above in result.path.certificates if inputs.policy.model is Model.SHELL else ():
                _in_validity(above, inputs.at, self._leaf)
            self._refuse(next(one for one in result.conclusion.checks if one.status is CheckStatus.NOT_OK))
        for one in found.all:
            if one.path is None:
                self._missing(f"the certificate of who issued {one.chain[-1]}", one.chain[-1])
            for certificate in untold(one):
                self._missing(f"revocation data about {certificate}", certificate)
            for certificate, status in one.used:
                self._fit(certificate, status)
        for certificate, status in overdue(found, inputs):
            self._not_fresh(certificate, status)
        data = data_of(found, inputs)
        if not is_whole(found, data, inputs):
            self._missing(f"the status of all who tell of {self._leaf}", self._leaf)
        return data

    def _refuse(self, check: Check) -> NoReturn:
        subject = self._certificate(check.subject)
        whose = _whose(subject, self._leaf)
        match check.id:
            case "xcv.not-revoked":
                raise Rejected("evidence.revoked", f"{whose}: {check.text} Nothing can show that it stood.")
            case "xcv.not-suspended":
                raise Rejected("evidence.suspended", f"{whose}: {check.text}")
            case "xcv.in-bounds":  # of another model than the shell: when something below was issued
                raise Rejected("evidence.expired", f"{whose}: {check.text}")
            case "xcv.path" | "xcv.since" | "xcv.sunset":
                raise Rejected(
                    "evidence.no-path",
                    f"The path of {self._leaf} to a trust anchor does not hold at {_said(self._inputs.at)}: "
                    f"{check.text}",
                )
            case "xcv.algorithms":
                raise Rejected("evidence.algorithms", f"{self._leaf}: {check.text}")
            case "xcv.fresh":
                status = next(status for one, status in self._found.result.used if one == subject)
                self._not_fresh(subject, status)
            case "xcv.revocation-known" | "xcv.revocation-acceptable" | "xcv.revocation-issuer":
                self._missing(f"revocation data about {subject}", subject, check.text)
            case _:
                raise Rejected("evidence.constraints", f"{whose}: {check.text}")

    def _fit(self, certificate: Certificate, status: Status) -> None:
        for one in parts_of(status):
            why = unfit(one, self._inputs.at, self._now)
            if why is not None:
                self._missing(f"revocation data about {certificate}", certificate, why)

    def _no_path(self) -> NoReturn:
        result = self._found.result
        top = result.chain[-1]
        urls = [url for one in result.needs if one.kind is NeedKind.ISSUER for url in one.urls]
        if urls and (self._offline or self._gathered.troubles):
            self._missing(f"the certificate of who issued {top}", top)
        above = (
            "nobody is above that, and it is no trust anchor"
            if top.is_self_issued
            else f"who issued that ({top.issuer.text}) is not at hand, and it does not name where"
        )
        raise Rejected(
            "evidence.no-path",
            f"No path leads from {self._leaf} to a trust anchor. It ends at {top}: {above}. Name the anchor "
            "among those that are trusted, or give the certificates between.",
        )

    def _missing(self, what: str, about: Certificate, why: str = "") -> NoReturn:
        named = [url for one in self._found.needs if one.about == id_of(about) for url in one.urls]
        if not named:
            asked = f"{about} names no place where it is to be had."
        elif self._offline:
            asked = f"It would be at {_listed(named)}; nothing is fetched here."
        else:
            troubles = " ".join(self._gathered.troubles[:_MOST_TOLD])
            asked = f"Asked was {_listed(named)}." + (f" {troubles}" if troubles else "")
        because = f" {why}" if why else ""
        raise Unavailable(
            "evidence.missing",
            f"That {self._leaf} stands is shown by {what}, and there is none.{because} {asked}",
        )

    def _not_fresh(self, certificate: Certificate, status: Status) -> NoReturn:
        due = next_update(self._found, certificate, self._inputs, self._now)
        live = isinstance(status.fact.tokens[-1], OcspAnswer) and self._now - status.issued < _LIVE
        wanted = (
            f"of {_said(self._since)} or later"
            if self._since is not None and certificate == self._leaf
            else f"that is fresh enough for the policy at {_said(self._inputs.at)}"
        )
        if live:  # whoever answers anew each time does so long before what he gave is out of date
            due = max(self._now, self._since or self._now).replace(microsecond=0) + _SOON
            when = f"It is of this minute: ask again at {_said(due)}."
        elif due is None:
            when = "Nobody says when the next is due; ask again later."
        elif due > self._now:
            when = f"The next is due at {_said(due)}; ask again then."
        else:
            when = f"The next was due at {_said(due)}, and did not come."
        troubles = " ".join(self._gathered.troubles[:_MOST_TOLD])
        told = f" {troubles}" if troubles else ""
        raise Unavailable(
            "evidence.not-fresh",
            f"The newest revocation data about {certificate} is {status.fact.tokens[-1]}; there must be some "
            f"{wanted}. {when}{told}",
            again=due if due is not None and due > self._now else None,
        )

    def _certificate(self, named: str) -> Certificate:
        """The certificate of the path that a check is about; else the one that is asked about."""
        return next((one for one in self._found.result.chain if id_of(one) == named), self._leaf)


def _whose(certificate: Certificate, leaf: Certificate) -> str:
    return f"{leaf}" if certificate == leaf else f"{certificate}, above {leaf}"


def _listed(urls: Sequence[str]) -> str:
    return ", ".join(dict.fromkeys(urls))
