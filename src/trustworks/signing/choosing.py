"""What a signer may choose for one signature, and the message to the desk that comes of it.

What a format has no place for is refused by `rules.request`, as for everybody who asks for a signature.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.signing.model import Container, Format, Packaging, ending_of
from trustworks.signing.rules.forms import FORMS
from trustworks.signing.shown.model import Kind

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from trustworks.formats.data import Data
    from trustworks.signing.ticket import WasShown


class Way(NamedTuple):
    """A format, and where the documents are, as one choice."""

    format: Format
    packaging: Packaging
    container: Container | None = None

    @property
    def holds_several(self) -> bool:
        """Whether one such signature is over more than one document."""
        return FORMS[self.format, self.container, self.packaging].several

    @property
    def ending(self) -> str:
        """How the name of the signed file ends."""
        return ending_of(self.format, self.packaging, self.container)


WAYS: Final[Mapping[str, Way]] = {
    "pades": Way(Format.PADES, Packaging.ENVELOPED),
    "xades-enveloped": Way(Format.XADES, Packaging.ENVELOPED),
    "asic-e-xades": Way(Format.XADES, Packaging.DETACHED, Container.ASIC_E),
    "asic-e-cades": Way(Format.CADES, Packaging.DETACHED, Container.ASIC_E),
    "asic-s-xades": Way(Format.XADES, Packaging.DETACHED, Container.ASIC_S),
    "asic-s-cades": Way(Format.CADES, Packaging.DETACHED, Container.ASIC_S),
    "cades-enveloping": Way(Format.CADES, Packaging.ENVELOPING),
    "jades-enveloping": Way(Format.JADES, Packaging.ENVELOPING),
    "xades-enveloping": Way(Format.XADES, Packaging.ENVELOPING),
    "cades-detached": Way(Format.CADES, Packaging.DETACHED),
    "xades-detached": Way(Format.XADES, Packaging.DETACHED),
    "jades-detached": Way(Format.JADES, Packaging.DETACHED),
}
"""What may be chosen, by a word: the usual first."""
_OF_A_KIND: Final[Mapping[str, Kind]] = {
    "pades": Kind.PDF,
    "xades-enveloped": Kind.XML,
    "jades-enveloping": Kind.JSON,
}
"""What is offered first for a kind of document. The first two are made of nothing else."""
_OF_NO_OTHER: Final = frozenset({"pades", "xades-enveloped"})
_HEX: Final = re.compile(r"[0-9A-Fa-f]+")
PLACE: Final[Mapping[str, str]] = {
    "street": "street",
    "postal_code": "postal-code",
    "city": "city",
    "state": "state",
    "country": "country",
}
"""The parts of a place: as a choice has them, and as a request."""


def ways_for(kinds: Sequence[Kind]) -> tuple[str, ...]:
    """The ways in which documents of these kinds are signed together, the usual one first."""
    if len(kinds) > 1:
        return tuple(name for name, way in WAYS.items() if way.holds_several and name not in _OF_NO_OTHER)
    (kind,) = kinds
    usual = [name for name, one in _OF_A_KIND.items() if one is kind]
    return (*usual, *(name for name in WAYS if name not in _OF_NO_OTHER and name not in usual))


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """What a signer chose: a seal, one of `WAYS`, a level, and what is said in the signature.

    `commitments` are words of `rules.identifiers.COMMITMENTS`. `policy` is the identifier of a signature
    policy, with the digest of its document in hexadecimal or base64, by `policy_hash`.
    """

    seal: str
    way: str
    level: str
    reason: str = ""
    role: str = ""
    street: str = ""
    postal_code: str = ""
    city: str = ""
    state: str = ""
    country: str = ""
    commitments: tuple[str, ...] = ()
    policy: str = ""
    policy_hash: str = ""
    policy_digest: str = ""
    policy_uri: str = ""

    @property
    def how(self) -> Way:
        """The way. Raises `Malformed` for a word that is none."""
        found = WAYS.get(self.way)
        if found is None:
            raise Malformed(f"There is no format {self.way[:40]!r}. Choose one of {', '.join(WAYS)}.")
        return found

    @property
    def place(self) -> dict[str, str]:
        """The parts of the place that are said, as a request has them."""
        return {new: said for old, new in PLACE.items() if (said := getattr(self, old))}

    @property
    def attributes(self) -> dict[str, str]:
        """What is said, where it is said; as an agreement records it."""
        said = {
            "reason": self.reason,
            "role": self.role,
            **self.place,
            "commitments": " ".join(self.commitments),
            "policy": self.policy,
        }
        if self.policy:
            said |= {
                "policy-hash": self.policy_hash,
                "policy-digest": _digest_of(self.policy_digest, self.policy_hash).hex(),
                "policy-uri": self.policy_uri,
            }
        return {name: one for name, one in said.items() if one}

    def message(self, documents: Sequence[Data], shown: Sequence[WasShown]) -> bytes:
        """What is asked of the desk. Raises `Malformed`, and `Rejected` for what has no place."""
        how = self.how
        self._check()
        asked: dict[str, Any] = {
            "seal": self.seal,
            "format": how.format,
            "level": self.level,
            "packaging": how.packaging,
            "documents": [_document(*one) for one in zip(documents, shown, strict=True)],
            "claims": {
                "roles": [self.role] if self.role else [],
                "place": self.place or None,
                "commitments": self.commitments,
                "policy": self._policy(),
            },
        }
        if how.container is not None:
            asked["container"] = how.container
        if self.reason:
            asked["pades"] = {"reason": self.reason}
        return json.dumps(asked).encode()

    @implements("TRUSTWORKS:SIGNING-AGREEMENT-CHOICES")
    def _check(self) -> None:
        """What is said has a place, and is no half of something; nothing is passed over."""
        if self.reason and self.how.format is not Format.PADES:
            raise Rejected(
                "signing.choice",
                "Only a signature in a PDF has a place for a reason. Leave it out, or say what the signature "
                "is for by a commitment.",
            )
        if not self.policy and (self.policy_digest or self.policy_uri):
            raise Rejected(
                "signing.policy",
                "Of a signature policy there is a digest or an address, and no identifier. Give it, or leave "
                "out both.",
            )

    def _policy(self) -> dict[str, Any] | None:
        if not self.policy:
            return None
        digest = _digest_of(self.policy_digest, self.policy_hash)
        return {
            "id": self.policy,
            "digest": base64.b64encode(digest).decode("ascii"),
            "hash": self.policy_hash,
            "uri": self.policy_uri or None,
        }


def signed_name(shown: Sequence[WasShown], way: Way) -> str:
    """What the signed file is called: an ending that would be lost stays."""
    if len(shown) > 1:
        return f"documents.signed{way.ending}"
    name = shown[0].name
    stem = name.removesuffix(way.ending) or name
    return f"{stem}.signed{way.ending}"


def _document(data: Data, shown: WasShown) -> dict[str, Any]:
    found: dict[str, Any] = {"content": base64.b64encode(data.octets()).decode("ascii"), "name": shown.name}
    return found | ({"media_type": shown.media_type} if shown.media_type else {})


def _digest_of(text: str, hash_name: str) -> bytes:
    """A digest as people copy it: in hexadecimal, with colons or spaces, or in base64."""
    if hash_name not in HASHES:
        raise Malformed(
            f"The document of a signature policy is not digested by {hash_name[:40]!r}. Choose one of "
            f"{', '.join(HASHES)}."
        )
    bare = re.sub(r"[\s:]", "", text)
    if len(bare) == 2 * HASHES[hash_name].size and _HEX.fullmatch(bare):
        return bytes.fromhex(bare)
    try:
        return base64.b64decode(bare, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(
            "The digest of the signature policy is neither hexadecimal nor base64. Copy it as it is "
            "published."
        ) from None
