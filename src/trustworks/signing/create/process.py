"""The whole process of a signature: rules, three steps, level, own output verified, and only then given out.

Steps of `complete`, in the order of effects: 1 the value is put in and verified; 2 the signature is looked at
by our own reader; 3 time-stamps and validation data are added up to the level; 4 that level is looked at; 5
what holds is answered. Nothing is written before, but to a file of its own that goes where 4 fails.
Source: EN 319 102-1, 4.2 and 4.3.
"""

from __future__ import annotations

from dataclasses import field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Final

from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.pki.certificate import Certificate
from trustworks.core.ports import ValidationData
from trustworks.core.values import dataclass
from trustworks.formats.augmenting import Opened
from trustworks.formats.data import Octets, Protected
from trustworks.formats.limits import DEFAULT
from trustworks.signing.create.existing import check_same_data
from trustworks.signing.create.levels import check_reachable, raised
from trustworks.signing.create.prepared import prepare
from trustworks.signing.create.release import check_kept, check_own, check_sound, made_in
from trustworks.signing.create.spooled import spooled
from trustworks.signing.model import Container, Format, Level, Onto, Packaging
from trustworks.signing.rules.certificates import PURPOSES, Use, is_not_revoked
from trustworks.signing.rules.certificates import check as check_certificate
from trustworks.signing.rules.level import archives, check_level, check_stamps_hold
from trustworks.signing.rules.request import can_be_held
from trustworks.signing.rules.request import check as check_request
from trustworks.signing.rules.times import check_claimed_time, check_prepared_time

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence
    from datetime import datetime
    from pathlib import Path

    from trustworks.formats.augmenting import Target
    from trustworks.formats.data import Data
    from trustworks.formats.evidence import Evidence
    from trustworks.formats.limits import Limits
    from trustworks.signing.create.levels import Means
    from trustworks.signing.create.prepared import Prepared
    from trustworks.signing.model import Document, Request, Signer

_ROOM: Final = 2
"""How many times its size a document may take in a signature: base64, and what comes beside it."""
_NOT_FRESH: Final = "evidence.not-fresh"
_REVOKED: Final = frozenset({"evidence.revoked", "evidence.suspended"})
_INSIDE: Final = frozenset({Packaging.ENVELOPED, Packaging.INTERNALLY_DETACHED})
_AROUND: Final = frozenset({Packaging.ENVELOPED, Packaging.ENVELOPING, Packaging.INTERNALLY_DETACHED})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Under which terms certificates sign; see `rules.certificates.Use`."""

    qualified: bool = False
    device: bool = False
    ed25519: bool = False
    lab: bool = False
    purposes: frozenset[str] = PURPOSES
    max_age: timedelta = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signed:
    """A signed file that was verified. `signature` is the id of the signature that was made, in its evidence.

    `level` is what our reader says, such as ``PAdES-BASELINE-LTA``.
    """

    data: Data
    signature: str
    level: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What became of one signature: its id, its level before and after, and how many time-stamps it got."""

    signature: str
    before: str
    after: str
    time_stamps: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Augmented:
    """A signed file whose signatures have a level that was asked for.

    `changed`: something was added; else `data` is the file as it was. `certificates` and `revocation` are how
    many certificates, and lists or answers about them, are in the file that were not there before.
    """

    data: Data
    changes: tuple[Change, ...]
    changed: bool = True
    certificates: int = 0
    revocation: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Creation:
    """Makes signatures and raises their levels. Threads share it.

    `scratch` is a folder for large files on their way; None: that of the system.
    """

    means: Means
    terms: Terms = field(default_factory=Terms)
    limits: Limits = DEFAULT
    scratch: Path | None = None

    def prepare(self, request: Request, signer: Signer, *, key: bytes | None = None) -> Prepared:
        """The first step, at this second unless a time is claimed.

        `key` is the SubjectPublicKeyInfo of the key that will sign, where it is known.

        Raises:
            Malformed: a document, or the certificate, cannot be read.
            Rejected, Refused: what is asked for does not go together; the certificate may not sign this.
            Unavailable: its status cannot be had now.
        """
        now = self.means.clock().replace(microsecond=0)
        if request.claims.signing_time is None:
            request = replace(request, claims=replace(request.claims, signing_time=now))
        check_request(request)
        check_reachable(request.level, self.means)
        can_be_held(request, self.limits.parsed // _ROOM)
        check_claimed_time(request.claims, now)
        if request.onto is Onto.PARALLEL and request.container is None:
            check_same_data(request)
        use = self._use(request.format, signer, now, key)
        check_certificate(use)
        self._stands(use, signer.certificates[1:])
        return prepare(request, signer, self._stamp)

    def _use(self, format_: Format, signer: Signer, now: datetime, key: bytes | None = None) -> Use:
        """What the certificate is to be used for, under the terms."""
        return Use(
            certificate=Certificate.read(signer.certificate),
            at=now,
            scheme=signer.scheme,
            format=format_,
            key=key,
            qualified=self.terms.qualified,
            device=self.terms.device,
            purposes=self.terms.purposes,
            ed25519=self.terms.ed25519,
            lab=self.terms.lab,
        )

    def _stands(self, use: Use, beside: Sequence[bytes]) -> None:
        """The certificate is not revoked, as far as anybody is named who says so."""
        if self.means.evidence is None:
            return
        try:
            self.means.evidence.evidence_of(
                use.certificate.der, use.at, at_hand=ValidationData(certificates=tuple(beside))
            )
        except Rejected as error:
            if error.code in _REVOKED:
                is_not_revoked(replace(use, revoked=str(error).rstrip(".")))
            raise

    def complete(self, prepared: Prepared, value: bytes, documents: Sequence[Document]) -> Signed:
        """The last step: the signed file, with the level that was asked for when it was prepared.

        Raises:
            Malformed: what was prepared was damaged.
            Rejected: ``data.changed``; ``signature.own``; ``signature.level`` and whatever is missing for it.
            Unavailable: time-stamps or validation data are not to be had now.
        """
        now = self.means.clock().replace(microsecond=0)
        check_certificate(self._use(prepared.how.format, prepared.signer, now))
        try:
            return self._completed(prepared, value, documents)
        except Unavailable as error:
            if error.code != _NOT_FRESH:
                raise
            raise Unavailable(
                _NOT_FRESH,
                f"{error} Sign at level B-T meanwhile, and raise that signature then: its time-stamp stays.",
                again=error.again,
            ) from error

    def _completed(self, prepared: Prepared, value: bytes, documents: Sequence[Document]) -> Signed:
        if prepared.how.container is not None:
            return self._in_container(prepared, value, documents)
        finish = partial(self._stamped, prepared) if prepared.how.format is Format.PADES else None
        made = spooled(prepared.unread(value, documents, finish), self.scratch)
        opened = self._opened(made, _beside(prepared, documents))
        target = self._looked_at(opened, prepared, documents)
        target = raised(target, prepared.level, self.means)
        self._check_level(target, prepared.level)
        return Signed(data=target.data, signature=target.id, level=target.level)

    def sign(
        self,
        request: Request,
        signer: Signer,
        sign: Callable[[bytes], bytes],
        *,
        sign_digest: Callable[[bytes], bytes] | None = None,
        key: bytes | None = None,
    ) -> Signed:
        """All three steps, where the key is at hand: `sign` answers its value. Raises as they do.

        `sign_digest` answers the value over data whose digest alone is held (`Dtbs.value_by`).
        """
        prepared = self.prepare(request, signer, key=key)
        return self.complete(prepared, prepared.dtbs.value_by(sign, sign_digest), request.documents)

    def made_before(self, request: Request, signer: Signer, data: Data) -> Signed | None:
        """A file that has what `sign` would make of a request, looked at again; None where it has not.

        It is found as the same data to be signed, when that is prepared for the time which the signature
        claims: the same documents, certificate and choices. Not found are those with content time-stamps.
        """
        if request.content_time_stamp:
            return None
        first = request.documents[0].data
        if isinstance(first, Protected):
            data = Protected(data, first.password)
        try:
            there = self._opened(data, [one.data for one in request.documents]).evidence.signatures
            times = dict.fromkeys(one.attributes.signing_time for one in there)
            for time in filter(None, times):
                dated = replace(request, claims=replace(request.claims, signing_time=time))
                check_request(dated)
                found = self._found(prepare(dated, signer), dated.documents, data)
                if found is not None:
                    return found
        except (Malformed, Rejected):
            return None
        return None

    def _found(self, prepared: Prepared, documents: Sequence[Document], data: Data) -> Signed | None:
        opened = self._opened(data, _beside(prepared, documents))
        try:
            target = made_in(opened, prepared.dtbs)
            self._check_level(target, prepared.level)
        except Rejected:
            return None
        return Signed(data=data, signature=target.id, level=target.level)

    def augment(
        self,
        data: Data,
        level: Level,
        *,
        detached: Sequence[Data] = (),
        only: Collection[str] = (),
        renew: bool = False,
    ) -> Augmented:
        """Signatures that are there, ours or others', raised to a level.

        `only`: the ids (or the names in the file) of some; none: all that stand for themselves, which leaves
        out those that countersign. `renew`: one archive time-stamp more for those that have one.

        Raises:
            Malformed: the file cannot be read.
            Rejected: ``augmenting.signature``: there is none of that id; what a signature cannot be given.
            Unavailable: as `complete`.
        """
        first = opened = self._opened(spooled(data, self.scratch), detached)
        chosen = _chosen(opened, only)
        before = {one.id: one for one in chosen}
        for one in chosen:
            check_own(one)
        for step in (Level.T, Level.LT, Level.LTA):
            for named, was in before.items():
                if step.rank <= level.rank:
                    opened = self._raised(opened.target(named), step, was, renew=renew).opened
        after = [opened.target(named) for named in before]
        for one in after:
            self._check_level(one, level, extended=True)
        then, now = first.evidence, opened.evidence
        return Augmented(
            data=opened.data,
            changes=tuple(_change(before[one.id], one) for one in after),
            changed=opened is not first,
            certificates=len(now.certificates.keys() - then.certificates.keys()),
            revocation=len(now.revocation.keys() - then.revocation.keys()),
        )

    def _raised(self, target: Target, step: Level, was: Target, *, renew: bool) -> Target:
        """One step. A renewal of another signature of the file may have been one of this too."""
        if step is Level.LTA and renew:
            there = {one.id for one in was.time_stamps}
            renew = not any(archives(one) and one.id not in there for one in target.time_stamps)
        return raised(target, step, self.means, renew=renew and step is Level.LTA)

    def _stamp(self, data: Data) -> bytes:
        return self.means.stamp(data.digest(self.means.hash_name))

    def _opened(self, data: Data, detached: Sequence[Data]) -> Opened:
        return Opened(
            data,
            detached=detached,
            limits=self.limits,
            anchors=self.means.anchors,
            keep=partial(spooled, folder=self.scratch),
        )

    def _looked_at(self, opened: Opened, prepared: Prepared, documents: Sequence[Document]) -> Target:
        target = self._made_in(opened, prepared)

        def before() -> Evidence | None:
            """What was in a file that was signed before."""
            if prepared.how.onto is Onto.NEW and prepared.how.packaging not in _INSIDE:
                return None
            first, *others = documents
            return self._opened(first.data, [one.data for one in others]).evidence

        check_kept(opened.evidence, before)
        check_sound(opened.evidence, before, target.id)
        return target

    def _made_in(self, opened: Opened, prepared: Prepared) -> Target:
        """The signature that was made, completed in time, by a certificate that stands still."""
        target, now = made_in(opened, prepared.dtbs), self.means.clock().replace(microsecond=0)
        check_prepared_time(target.signature.attributes, now, self.terms.max_age)
        held = [one.der for one in target.evidence.certificates.values()]
        use = self._use(prepared.how.format, prepared.signer, now)
        self._stands(replace(use, certificate=Certificate.read(prepared.dtbs.certificate)), held)
        return target

    def _stamped(self, prepared: Prepared, made: bytes, beside: Sequence[Data]) -> bytes:
        """The CMS of a PDF with its signature time-stamp, which finds no room there afterwards."""
        if prepared.level is Level.B:
            return made
        opened = self._opened(Octets(made), beside)
        return raised(opened.targets[0], Level.T, self.means).data.octets()

    def _in_container(self, prepared: Prepared, value: bytes, documents: Sequence[Document]) -> Signed:
        """The signature gets its level before it goes in; of an ASiC-E by CAdES the archive comes after."""
        how, told = prepared.how, []
        later = (
            prepared.level is Level.LTA and how.container is Container.ASIC_E and how.format is Format.CADES
        )
        inside = Level.LT if later else prepared.level

        def finish(made: bytes, beside: Sequence[Data]) -> bytes:
            target = self._made_in(self._opened(Octets(made), beside), prepared)
            target = raised(target, inside, self.means)
            self._check_level(target, inside)
            told.append(target.level)
            return target.data.octets()

        made = prepared.complete(value, documents, finish)
        if not later:
            return Signed(data=made, signature="", level=told[0])
        opened = self._opened(spooled(made, self.scratch), ())
        target = raised(made_in(opened, prepared.dtbs), prepared.level, self.means)
        self._check_level(target, prepared.level)
        return Signed(data=target.data, signature=target.id, level=target.level)

    def _check_level(self, target: Target, level: Level, *, extended: bool = False) -> None:
        check_level(target.evidence, target.signature, level, anchors=self.means.anchors, extended=extended)
        check_stamps_hold(target.evidence, target.signature, level)


def _change(before: Target, after: Target) -> Change:
    there = {one.id for one in before.time_stamps}
    return Change(
        signature=after.id,
        before=before.level,
        after=after.level,
        time_stamps=sum(one.id not in there for one in after.time_stamps),
    )


def _chosen(opened: Opened, only: Collection[str]) -> list[Target]:
    if not opened.targets:
        raise Rejected(
            "augmenting.signature", "The file has no signature, to which anything could be added. Sign it."
        )
    if not only:
        return [one for one in opened.targets if one.signature.parent is None]
    found = []
    for named in only:
        by_name = [one for one in opened.targets if named in {one.id, one.signature.name}]
        found.append(by_name[0] if len(by_name) == 1 else opened.target(named))
    return found


def _beside(prepared: Prepared, documents: Sequence[Document]) -> list[Data]:
    """The documents that are not in the signed file."""
    if prepared.how.onto is not Onto.NEW:
        return [one.data for one in documents[1:]]
    return [] if prepared.how.packaging in _AROUND else [one.data for one in documents]
