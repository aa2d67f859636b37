"""Judges, fetches what would change the answer, and judges again, until nothing more is to be had.

What was fetched is an input of the last judgement like all else, so that it can be kept and judged again. An
answer is kept for other validations only when nobody misses it any more once it was judged: before, it may be
from anybody. Documents of signature policies are not kept at all. One that was kept, and does not help, is
dropped and asked for again.
"""

from __future__ import annotations

import contextlib
from dataclasses import field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.tokens import OcspAnswer
from trustworks.core.values import dataclass
from trustworks.validation.gathering.questions import Answer, is_newer, questions, read
from trustworks.validation.model import NeedKind
from trustworks.validation.rules.inputs import token
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from trustworks.core.pki.tokens import Certificate
    from trustworks.formats.evidence import Evidence, Token
    from trustworks.validation.gathering.fetching import Allowance, Fetcher
    from trustworks.validation.gathering.questions import Question
    from trustworks.validation.model import Need, Outcome
    from trustworks.validation.policies.policy import Policy
    from trustworks.validation.rules.inputs import Extra
    from trustworks.validation.rules.surroundings import Known
    from trustworks.validation.trust import Trust

_AT_ONCE: Final = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where a token (by its id) or a signature policy (by its identifier) came from, and when.

    `time` None: out of the cache, where it lay since an earlier validation.
    """

    id: str
    url: str
    time: datetime | None


J = TypeVar("J")
"""What a judgement comes to: the outcome of a file, or what is said of a certificate."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Gathered(Generic[J]):
    """The last outcome, the evidence from outside that it was judged by, and what could not be had."""

    outcome: J
    extra: Extra
    troubles: tuple[str, ...] = ()
    sources: tuple[Source, ...] = ()


def gather(
    evidence: Evidence,
    *,
    trust: Trust,
    policy: Policy,
    extra: Extra,
    fetcher: Fetcher | None,
    at: datetime | None = None,
    now: Callable[[], datetime] = lambda: datetime.now(UTC).replace(microsecond=0),
    known: Known | None = None,
) -> Gathered[Outcome]:
    """Judge `evidence` at `at` (None: the second of each round), with what `fetcher` finds; None: offline.

    `known` is handed to the process. Seconds are what reports tell of a time, and certificates know.
    Where the fetcher's limits end the search, what there is is judged, and `troubles` say so.
    """

    def judge(found: Extra) -> Outcome:
        return validate(
            evidence,
            at=at or now(),
            trust=trust,
            policy=policy,
            extra=found,
            present=at is None,
            known=known,
        )

    def needs(outcome: Outcome) -> Iterator[Need]:
        """What is missing; a document of a policy that was given is not replaced by another."""
        for one in outcome.needs:
            if one.kind is not NeedKind.POLICY or one.about not in extra.policies:
                yield one

    return judged_in_rounds(
        judge, needs, certificates=evidence.certificates, trust=trust, extra=extra, fetcher=fetcher
    )


def judged_in_rounds(
    judge: Callable[[Extra], J],
    needs: Callable[[J], Iterable[Need]],
    *,
    certificates: Mapping[str, Token],
    trust: Trust,
    extra: Extra,
    fetcher: Fetcher | None,
    lists_last: bool = False,
) -> Gathered[J]:
    """Judge by `extra` and what `fetcher` finds of what is missing, until nothing more is to be had.

    `needs` says what an outcome misses. `certificates` are what it may be about, by id, beside those in
    `extra`. `lists_last`: a revocation list is asked for only where no OCSP answer helped.
    """
    found = _Found(extra)
    outcome = judge(extra)
    if fetcher is None:
        return Gathered(outcome=outcome, extra=extra)

    def wanted() -> list[Question]:
        return list(questions(needs(outcome), _certificates(certificates, found.extra), trust))

    limits, allowance = fetcher.limits, fetcher.allowance()
    missing = wanted()
    if not missing:
        return Gathered(outcome=outcome, extra=extra)
    with contextlib.ExitStack() as stack:
        for number in range(limits.rounds + 1):
            further = [one for one in missing if found.may_ask(one, lists_last=lists_last)]
            allowed = further[: max(limits.answers - len(found.asked), 0)]
            ended = allowance.ended
            if len(further) > len(allowed):
                found.tell(f"More than {limits.answers} answers are missing, and that many may be asked for.")
            elif further and number == limits.rounds:
                ended = f"Evidence was still missing after {number} rounds of asking, and that is the limit."
            if ended is not None and further:
                found.tell(ended)
            if ended is not None or not allowed:
                break
            again = found.ask(allowed)
            kept = [_kept(one, fetcher, allowance, again) for one in allowed]
            fetch = partial(_fetched, fetcher=fetcher, allowance=allowance)
            asked = [one for one, came in zip(allowed, kept, strict=True) if came is None]
            fetched = iter(_at_once(fetch, asked, stack))
            answers = [came or next(fetched) for came in kept]
            if found.take(allowed, answers):
                outcome = judge(found.extra)
                missing = wanted()
            found.settle(missing, fetcher)
    return Gathered(
        outcome=outcome,
        extra=found.extra,
        troubles=tuple(dict.fromkeys(found.troubles)),
        sources=tuple(found.sources.values()),
    )


def _at_once(
    fetch: Callable[[Question], _Came], asked: Sequence[Question], stack: contextlib.ExitStack
) -> Iterable[_Came]:
    """What comes of questions, in their order. They are asked in threads: this one may have an event loop."""
    if not asked:
        return ()
    from concurrent.futures import ThreadPoolExecutor  # noqa: PLC0415 - offline it is not needed

    threads = stack.enter_context(ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="evidence"))
    return threads.map(fetch, asked)


def _certificates(own: Mapping[str, Token], extra: Extra) -> dict[str, Token]:
    """Those that may be asked about: what OCSP answers brought of their responders is among them."""
    found = dict(own) | {one.id: one for one in extra.certificates}
    for answer in extra.revocation:
        if answer.id.startswith("O-"):
            with contextlib.suppress(Malformed):
                found |= {one.id: one for one in map(_token, OcspAnswer.read(answer.der).certificates)}
    return found


def _token(certificate: Certificate) -> Token:
    return token("C", certificate.der)


Key = tuple[str, str, bytes]


@dataclass(slots=True)
class _Found:
    """What came from outside so far, and who was asked for it: the cache, the server, or both."""

    extra: Extra
    asked: set[Key] = field(default_factory=set)
    by_cache: set[Key] = field(default_factory=set)
    """What the cache answered, so that the server may still be asked."""
    unsettled: list[tuple[Question, _Came]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)
    sources: dict[str, Source] = field(default_factory=dict)

    def tell(self, trouble: str) -> None:
        self.troubles.append(trouble)

    def may_ask(self, question: Question, *, lists_last: bool = False) -> bool:
        """Whether something new may come of it: nobody was asked, or the cache alone."""
        if lists_last and any(self._is_open(one) for one in question.instead_of):
            return False
        return self._is_open(question.key)

    def _is_open(self, key: Key) -> bool:
        return key not in self.asked or key in self.by_cache

    def ask(self, allowed: Sequence[Question]) -> frozenset[Key]:
        """Note what is asked; answers with what the cache need not be asked again."""
        keys = {one.key for one in allowed}
        again = frozenset(keys & self.by_cache)
        self.by_cache -= again
        self.asked |= keys
        for one in allowed:
            if one.left_out:
                self.tell(
                    f"Beside {one.url} {one.left_out} further addresses are named for the same, more than "
                    "are asked."
                )
        return again

    def take(self, asked: Iterable[Question], answers: Iterable[_Came]) -> bool:
        """Take answers; whether there was anything new in them."""
        certificates = {one.id: one for one in self.extra.certificates}
        revocation = {one.id: one for one in self.extra.revocation}
        policies = dict(self.extra.policies)
        before = len(certificates), len(revocation), dict(policies)
        for question, came in zip(asked, answers, strict=True):
            answer = came.answer
            if came.kept:
                self.by_cache.add(question.key)
            if came.kept or came.octets is not None:
                self.unsettled.append((question, came))
            for one in answer.tokens:
                known = certificates if one.id.startswith("C-") else revocation
                if one.id not in known:
                    known[one.id] = one
                    self._note(one.id, question, came)
            if answer.policy is not None:
                named, document = answer.policy
                if policies.get(named) != document:
                    policies[named] = document
                    self._note(named, question, came)
            if answer.trouble is not None:
                self.tell(answer.trouble)
        self.extra = replace(
            self.extra,
            certificates=tuple(certificates.values()),
            revocation=tuple(revocation.values()),
            policies=policies,
        )
        return (len(certificates), len(revocation), policies) != before

    def _note(self, identifier: str, question: Question, came: _Came) -> None:
        self.sources[identifier] = Source(id=identifier, url=question.url, time=came.time)

    def settle(self, missing: Iterable[Question], fetcher: Fetcher) -> None:
        """Keep what came and is not missed any more; drop what was kept and is missed still."""
        keys = {one.key for one in missing}
        for question, came in self.unsettled:
            if came.kept and question.key in keys:
                fetcher.forget(*question.key)
            elif came.octets is not None and question.key not in keys and question.lasts:
                fetcher.keep(*question.key, came.octets, came.until)
        self.unsettled.clear()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Came:
    """What came of a question: from the cache (`kept`), else at a `time`, `octets` to keep `until` then."""

    answer: Answer
    kept: bool = False
    octets: bytes | None = None
    time: datetime | None = None
    until: float = 0.0


def _kept(question: Question, fetcher: Fetcher, allowance: Allowance, again: frozenset[Key]) -> _Came | None:
    """What the cache answers, if it is asked at all. `again`: what is not taken from the cache."""
    known = None if question.key in again or not question.lasts else fetcher.cached(*question.key)
    if known is None or not is_newer(question, known):
        return None
    try:
        allowance.take(len(known))
        return _Came(answer=read(question, known)[0], kept=True)
    except (Malformed, Unavailable) as error:
        return _Came(answer=Answer(trouble=str(error)))


def _fetched(question: Question, fetcher: Fetcher, allowance: Allowance) -> _Came:
    """Ask one question; a trouble is told and stops nothing."""
    try:
        if question.kind == "ocsp":
            octets = fetcher.post(question.url, question.body, "application/ocsp-request", allowance)
        else:
            octets = fetcher.get(question.url, allowance)
        answer, until = read(question, octets)
    except Malformed as error:
        return _Came(answer=Answer(trouble=f"What came from {question.url} cannot be read: {error}"))
    except (Rejected, Unavailable) as error:
        return _Came(answer=Answer(trouble=str(error)))
    return _Came(answer=answer, octets=octets, time=datetime.now(UTC), until=until.timestamp())
