"""A verdict made again out of a bundle alone, and whether it is the same, octet for octet."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from trustworks.core.durable import new_file
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.pki.trusted_lists.store import TrustStore
from trustworks.core.values import dataclass
from trustworks.formats.data import Stored
from trustworks.formats.limits import DEFAULT, Limits
from trustworks.formats.read import read
from trustworks.validation.gathering.rounds import Source
from trustworks.validation.kept.bundle import (
    POLICY,
    VERDICT,
    KeptToken,
    as_zip,
    comment_of,
    limits_of,
    members_of,
    opened,
    product,
)
from trustworks.validation.kept.model import Consulted, Given
from trustworks.validation.kept.origin import Origin
from trustworks.validation.kept.policy_record import KeptPolicy
from trustworks.validation.kept.trust_record import KeptTrust
from trustworks.validation.model import Poe
from trustworks.validation.qualifying import qualifications
from trustworks.validation.report.judged import Judged
from trustworks.validation.report.plain import plain
from trustworks.validation.rules.inputs import Extra, token
from trustworks.validation.rules.process import validate

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from trustworks.formats.data import Data
    from trustworks.validation.kept.bundle import Bundle


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """A verdict that was made again. `kept_by` and `judged_by` are the product with its version."""

    judged: Judged
    given: Given
    same: bool
    kept: bytes
    found: bytes
    kept_by: str
    judged_by: str
    origin: Origin


def verdict_of(judged: Judged) -> bytes:
    """The verdict as `trustworks validate --json` prints it, without the end of the line."""
    return json.dumps(plain(judged)).encode()


def keep(judged: Judged, given: Given, place: Path, *, with_data: bool = True) -> None:
    """Write a bundle, which is judged again before it gets its name. A file of that name is not replaced.

    Raises:
        Malformed: what the verdict was made from cannot be kept, or was changed in the meantime.
        Rejected: the data is not here.
        Unavailable: the file cannot be written, or the verdict made again is another.
    """
    members = members_of(judged, given, verdict_of(judged), with_data=with_data)
    brought = () if with_data else (given.data, *given.detached)
    try:
        with new_file(place) as new:
            with new.open("wb") as stream:
                stream.writelines(as_zip(members, comment_of(members)).portions())
            if not replay(new, brought=brought, limits=given.limits).same:
                raise Unavailable(
                    "keep.verdict", "The verdict made again from what is kept is another; please report it."
                )
    except FileExistsError as error:
        raise Malformed(f"{place} exists already and is not replaced; name another file.") from error
    except OSError as error:
        raise Unavailable("keep.file", f"{place} cannot be written: {error.strerror}.") from error


def replay(place: Path, *, brought: Sequence[Data] = (), limits: Limits = DEFAULT) -> Replayed:
    """Judge again what a bundle holds, without a network. `brought`: the data, where it is without.

    Data of more than 16 MB is unpacked for the time of the judgement alone.

    Raises:
        Malformed: it is no bundle, was changed, or is beyond the limits.
    """
    with opened(place) as bundle:
        given = _given(bundle, brought, limits)
        judged = _judged(bundle, given)
        kept = bundle.part(VERDICT)
        found = verdict_of(judged)
        return Replayed(
            judged=judged,
            given=given,
            same=found == kept,
            kept=kept,
            found=found,
            kept_by=bundle.manifest.product,
            judged_by=product(),
            origin=Origin.of(
                given,
                bundle_sha256=Stored(place).digest("sha256").hex(),
                policy=judged.policy.identifier,
                policy_json=bundle.part(POLICY),
            ),
        )


def _given(bundle: Bundle, brought: Sequence[Data], limits: Limits) -> Given:
    manifest = bundle.manifest
    listed, lists = manifest.lists, None
    if listed is not None:
        lists = Consulted(
            TrustStore.of(bundle.state(), bundle.list_octets(), listed.at, overdue_lists=listed.overdue_lists)
        )
    outside = (*manifest.certificates, *manifest.revocation, *manifest.policies)
    return Given(
        data=bundle.data(manifest.data, brought),
        detached=tuple(bundle.data(one, brought) for one in manifest.detached),
        records=tuple(bundle.data(one, brought) for one in manifest.records),
        pool=manifest.pool,
        limits=limits_of(manifest, limits),
        trust=bundle.read("trust.json", KeptTrust).trust(),
        lists=lists,
        present=manifest.present,
        sources=tuple(
            Source(id=_identifier(bundle, one), url=one.url, time=one.time)
            for one in outside
            if one.url is not None
        ),
    )


def _identifier(bundle: Bundle, kept: KeptToken) -> str:
    named = kept.named
    return token(named, bundle.part(kept.member)).id if len(named) == 1 else named


def _judged(bundle: Bundle, given: Given) -> Judged:
    manifest = bundle.manifest
    evidence = read(
        given.data,
        detached=given.detached,
        records=given.records,
        limits=given.limits,
        pool=given.pool,
        anchors=given.trust.anchors,
    )
    extra = Extra(
        certificates=tuple(token("C", bundle.part(one.member)) for one in manifest.certificates),
        revocation=tuple(token(_letter(one), bundle.part(one.member)) for one in manifest.revocation),
        poes=tuple(
            Poe(object=one.object, time=one.time, origin=one.origin, by=one.by) for one in manifest.poes
        ),
        policies={one.named: bundle.part(one.member) for one in manifest.policies},
    )
    policy = bundle.read(POLICY, KeptPolicy).policy()
    outcome = validate(
        evidence, at=manifest.at, trust=given.trust, policy=policy, extra=extra, present=manifest.present
    )
    return Judged(
        evidence=evidence,
        outcome=outcome,
        policy=policy,
        qualifications=None
        if given.lists is None
        else qualifications(evidence, outcome, extra=extra, trust=given.trust, lists=given.lists),
        extra=extra,
        troubles=manifest.troubles,
        files=given.files,
    )


def _letter(kept: KeptToken) -> str:
    if kept.named not in {"R", "O"}:
        raise Malformed(f"The bundle has revocation data of the unknown kind {kept.named!r:.20}.")
    return kept.named


def first_difference(kept: bytes, found: bytes) -> str:
    """Where two verdicts in JSON differ first, as a path of names; what was kept may be anything."""
    try:
        before = json.loads(kept)
    except (ValueError, RecursionError):
        return "the verdict as a whole, which is no JSON"
    return ".".join(_apart(before, json.loads(found))) or "how it is written"


def _apart(before: Any, now: Any) -> list[str]:
    if isinstance(before, dict) and isinstance(now, dict):
        for name in (*now, *before):
            if before.get(name) != now.get(name) or (name in before) != (name in now):
                return [str(name)[:100], *_apart(before.get(name), now.get(name))]
    if isinstance(before, list) and isinstance(now, list):
        for place, (left, right) in enumerate(zip(before, now, strict=False)):
            if left != right:
                return [str(place), *_apart(left, right)]
    return []
