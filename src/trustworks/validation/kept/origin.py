"""Whose word a verdict made again goes by: a bundle brings its own trust, policy and trusted lists."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.pki.trusted_lists.store import TrustStore
from trustworks.core.printable import printable
from trustworks.core.values import dataclass

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.pki.building import TrustAnchor
    from trustworks.validation.kept.model import Given

_TOLD: Final = 20  # anchors that a person is told; JSON has all
_CAUTION: Final = (
    "Whom to trust, the policy and the evidence came with the bundle; nothing here says that they are yours."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptAnchorNamed:
    """A trust anchor of a bundle: its subject, and the SHA-256 of its certificate; of its key without one."""

    subject: str
    sha256: str
    by_key: bool
    label: str | None

    @classmethod
    def of(cls, anchor: TrustAnchor) -> KeptAnchorNamed:
        """The anchor, named."""
        certificate = anchor.certificate
        der = anchor.key.der if certificate is None else certificate.der
        return cls(
            subject=anchor.subject.text,
            sha256=hashlib.sha256(der).hexdigest(),
            by_key=certificate is None,
            label=None if anchor.label is None else str(anchor.label),
        )

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return {
            "subject": self.subject,
            "key_sha256" if self.by_key else "sha256": self.sha256,
            "label": self.label,
        }

    def __str__(self) -> str:
        return f"{self.subject}, SHA-256{' of the key' if self.by_key else ''} {self.sha256}"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptListsNamed:
    """The trusted lists of a bundle: SHA-256 by territory, and whom the Official Journal is said to name.

    All of it was taken as it was kept: no signature of a list was verified again.
    """

    lists: dict[str, str]
    publication: str
    certificates: tuple[str, ...]

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return {
            "signatures_verified_again": False,
            "sha256": self.lists,
            "publication": self.publication,
            "journal_certificates_sha256": list(self.certificates),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a replay went by, all of it out of the bundle: digests are SHA-256 in hexadecimal.

    `policy_sha256` is the digest of the policy as it was kept (`policy.json`). `for_signers` are the anchors
    for signers where those are others than for the rest.
    """

    bundle_sha256: str
    policy: str
    policy_sha256: str
    anchors: tuple[KeptAnchorNamed, ...]
    for_signers: tuple[KeptAnchorNamed, ...] | None
    lists: KeptListsNamed | None

    @classmethod
    def of(cls, given: Given, *, bundle_sha256: str, policy: str, policy_json: bytes) -> Origin:
        """What these inputs, which a bundle brought, are."""
        signers = given.trust.for_signers
        return cls(
            bundle_sha256=bundle_sha256,
            policy=policy,
            policy_sha256=hashlib.sha256(policy_json).hexdigest(),
            anchors=tuple(map(KeptAnchorNamed.of, given.trust.anchors.anchors)),
            for_signers=None if signers is None else tuple(map(KeptAnchorNamed.of, signers.anchors)),
            lists=_lists(given),
        )

    def plain(self) -> dict[str, Any]:
        """As data for JSON."""
        return {
            "caution": _CAUTION,
            "bundle_sha256": self.bundle_sha256,
            "policy": {"identifier": self.policy, "sha256": self.policy_sha256},
            "anchors": [one.plain() for one in self.anchors],
            "anchors_for_signers": None
            if self.for_signers is None
            else [one.plain() for one in self.for_signers],
            "trusted_lists": None if self.lists is None else self.lists.plain(),
        }

    def text(self) -> str:
        """In lines for a terminal, the first of which says what it means."""
        return "\n".join(map(printable, self._lines()))

    def _lines(self) -> Iterator[str]:
        yield f"By what the bundle says, SHA-256 {self.bundle_sha256}"
        yield f"  caution    {_CAUTION}"
        yield f"  policy     {self.policy}, SHA-256 {self.policy_sha256}"
        yield from _told("anchor ", self.anchors)
        yield from _told("signers", self.for_signers or ())
        if self.lists is not None:
            yield "  lists      taken as they were kept: their signatures were not verified again"
            for territory, sha256 in self.lists.lists.items():
                yield f"  list       {territory}, SHA-256 {sha256}"
            for sha256 in self.lists.certificates[:_TOLD]:
                yield f"  journal    {self.lists.publication}, certificate with SHA-256 {sha256}"


def _told(name: str, anchors: tuple[KeptAnchorNamed, ...]) -> Iterator[str]:
    for one in anchors[:_TOLD]:
        yield f"  {name}    {one}"
    if len(anchors) > _TOLD:
        yield f"  {name}    and {len(anchors) - _TOLD} more, which --json tells"


def _lists(given: Given) -> KeptListsNamed | None:
    store = None if given.lists is None else given.lists.lists
    if not isinstance(store, TrustStore):
        return None
    return KeptListsNamed(
        lists={
            one.territory: one.sha256 for one in store.state.entries if store.cache.list_of(one.territory)
        },
        publication=store.state.publication,
        certificates=tuple(
            hashlib.sha256(bytes.fromhex(one)).hexdigest() for one in store.state.certificates
        ),
    )
