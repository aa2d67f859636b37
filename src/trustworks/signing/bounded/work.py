"""What such a process does with one message: prepares, completes, augments. It has no key.

A seal is made in two questions: the process prepares, who asked has the key sign, the process completes.
"""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.signing import wire
from trustworks.signing.create.prepared import Prepared
from trustworks.signing.model import Signer
from trustworks.signing.rules.certificates import usual_scheme
from trustworks.signing.rules.clients import check_left

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from trustworks.core.ports import Stamper
    from trustworks.signing.create.process import Creation

PREPARE: Final = "prepare"
COMPLETE: Final = "complete"
AUGMENT: Final = "augment"
SEAL: Final = "seal"
SEALED: Final = "sealed"


def answer(
    creation_of: Callable[[bool, bool], Creation], words: dict[str, Any], octets: bytes
) -> tuple[dict[str, Any], bytes]:
    """Words and octets for what was asked; an error as words, by its family.

    `creation_of` answers what makes signatures: whether certificates have to be qualified ones, and whether
    they have to state a qualified device. At most ``stamps`` of the words time-stamps are used; ``stamped``
    says how many were.
    """
    stamped = _Stamped(words.get("stamps", 0))
    try:
        creation = creation_of(bool(words.get("qualified")), bool(words.get("device")))
        told, answered = _done(stamped.in_place_of(creation), words, octets)
    except Malformed as error:
        told, answered = {"malformed": str(error)}, b""
    except Rejected as error:
        told, answered = {"rejected": error.code, "sentence": str(error)}, b""
    except Refused as error:
        told, answered = {"refused": error.requirement, "sentence": str(error)}, b""
    except Unavailable as error:
        told, answered = {"unavailable": error.code, "sentence": str(error)}, b""
    return told | {"stamped": stamped.used}, answered


class _Stamped:
    """A time-stamping authority of which so many time-stamps may be had."""

    def __init__(self, most: int) -> None:
        self.used = 0
        self._most = most
        self._stamper: Stamper | None = None

    def in_place_of(self, creation: Creation) -> Creation:
        """What makes signatures with these alone."""
        self._stamper = creation.means.stamper
        if self._stamper is None:
            return creation
        return replace(creation, means=replace(creation.means, stamper=self))

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        """As `core.ports.Stamper`; raises `Refused`, too. One that is asked for and does not come counts."""
        check_left(self.used, self._most)
        self.used += 1
        if self._stamper is None:
            raise Unavailable("signing.process", "Nobody makes time-stamps here.")
        return self._stamper.stamp(digest, hash_name)


def _done(creation: Creation, words: dict[str, Any], octets: bytes) -> tuple[dict[str, Any], bytes]:
    match words["do"]:
        case "prepare":
            asked = wire.read(wire.PrepareBody, octets)
            signer = asked.signer(usual_scheme(asked.certificates[0]))
            ready = creation.prepare(asked.request(), signer)
            return {}, wire.prepared_answer(ready.encode(), ready.dtbs)
        case "complete":
            body = wire.read(wire.CompleteBody, octets)
            prepared = Prepared.decode(body.prepared)
            wire.check_passwords(prepared.how.format, body.documents)
            signed = creation.complete(prepared, body.value, wire.documents_of(body.documents))
            return {"levels": [signed.level]}, wire.signed_answer(signed.data, signed.level)
        case "augment":
            wanted = wire.read(wire.AugmentBody, octets)
            augmented = creation.augment(
                wanted.file.document().data,
                wanted.level,
                detached=[one.document().data for one in wanted.detached],
                only=wanted.signatures,
                renew=wanted.renew,
            )
            changes = [(one.signature, one.before, one.after) for one in augmented.changes]
            levels = [one.after for one in augmented.changes]
            return {"levels": levels}, wire.augmented_answer(augmented.data, changes)
        case "seal":
            return _seal(creation, words, octets)
        case _:
            sealed = wire.read(wire.SealBody, octets)
            state = Prepared.decode(_decoded(words["prepared"]))
            made = creation.complete(state, _decoded(words["value"]), sealed.request().documents)
            return {"levels": [made.level]}, wire.signed_answer(made.data, made.level)


def _seal(creation: Creation, words: dict[str, Any], octets: bytes) -> tuple[dict[str, Any], bytes]:
    """The first half of a seal: what its key has to sign."""
    asked = wire.read(wire.SealBody, octets)
    signer = Signer(
        certificates=tuple(_decoded(one) for one in words["certificates"]), scheme=words["scheme"]
    )
    request = asked.request()
    prepared = creation.prepare(request, signer, key=_decoded(words["key"]))
    return {"prepared": wire.in_base64(prepared.encode())}, prepared.octets_to_sign(request)


def _decoded(text: str) -> bytes:
    return base64.b64decode(text, validate=True)


def raised(words: dict[str, Any]) -> None:
    """Raise the error that the words are, if they are one. The sentence went through another process."""
    if "memory" in words:
        raise Rejected("signing.too-much", "The documents need more memory than one request may take here.")
    if "malformed" in words:
        raise Malformed(words["malformed"])
    if "rejected" in words:
        raise Rejected(words["rejected"], words["sentence"])
    if "refused" in words:
        raise Refused(words["refused"], words["sentence"])
    if "unavailable" in words:
        raise Unavailable(words["unavailable"], words["sentence"])


def certificates_in_words(certificates: Sequence[bytes]) -> list[str]:
    """Certificates in words."""
    return [wire.in_base64(one) for one in certificates]
