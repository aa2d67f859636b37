"""What is added to an encrypted PDF, encrypted as the file is; and whether its password lets it be signed.

Contents of signatures and what stands in a cross-reference section are never encrypted. Source: ISO 32000-2,
7.6.2 (general), 7.6.3 (algorithms 1 and 1.A), 7.6.4.2 (permissions).
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from trustworks.core.errors import Rejected
from trustworks.core.trace import implements
from trustworks.core.values import dataclass
from trustworks.formats.pades.second_reader import DecryptedView, WrongPassword

if TYPE_CHECKING:
    from pikepdf import Pdf

    from trustworks.formats.pades.document import Document
    from trustworks.formats.pades.syntax import Object
    from trustworks.formats.pades.view import View

Method: TypeAlias = Literal["none", "rc4", "aes", "aesv3"]

_BLOCK: Final = 16
_SHORTEST: Final = 5
_STANDARD: Final = "Standard"
_MODIFY, _ANNOTATE, _FILL = 1 << 3, 1 << 5, 1 << 8
"""Bits 4, 6 and 9 of the permissions."""
_FILL_SINCE: Final = 3
"""The revision of the handler from which on bit 9 says something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Encryption:
    """How a file is encrypted. `permissions` of whoever gave the password; None: the owner's, all."""

    key: bytes
    strings: Method
    streams: Method
    revision: int
    permissions: int | None

    def string(self, octets: bytes, number: int, generation: int) -> bytes:
        """A string of an object, encrypted."""
        return _encrypted(self.strings, self.key, octets, number, generation)

    def stream(self, octets: bytes, number: int, generation: int) -> bytes:
        """The octets of a stream, encrypted."""
        return _encrypted(self.streams, self.key, octets, number, generation)

    def value(self, value: Object, number: int, generation: int) -> Object:
        """A value of an object with all strings in it encrypted, but Contents of a signature."""
        match value:
            case bytes():
                return self.string(value, number, generation)
            case list():
                return [self.value(one, number, generation) for one in value]
            case dict():
                return {
                    key: one if is_never_encrypted(key, value) else self.value(one, number, generation)
                    for key, one in value.items()
                }
            case _:
                return value


@implements("ISO32000-2:7.6.2-CONTENTS", disabled=False)
def is_never_encrypted(key: str, holder: dict[str, Object]) -> bool:
    """Whether an entry stays as it is: Contents of a signature dictionary, which has a byte range."""
    return key == "Contents" and "ByteRange" in holder


def opened(document: Document, plain: View) -> tuple[DecryptedView, Encryption]:
    """An encrypted file by its password, and how it is encrypted.

    Raises:
        Rejected: ``pdf.encrypted``: it is encrypted for certain readers, or in a way that is not written;
            ``pdf.password``: the password does not open it, or none was given.
        Malformed: QPDF can make nothing of it.
    """
    entries = plain.entries(plain.trailer.get("Encrypt"))
    handler = plain.get(entries.get("Filter"))
    if handler != _STANDARD:
        raise Rejected(
            "pdf.encrypted",
            f"The PDF is encrypted for certain readers and not by a password (handler {handler!r:.60}). "
            "Save it without encryption, or with a password, and sign that.",
        )
    view = DecryptedView(document, plain.end)
    try:
        pdf = view.pdf
    except WrongPassword as error:
        if document.password:
            raise Rejected("pdf.password", str(error)) from error
        raise Rejected(
            "pdf.password",
            "The PDF is encrypted, and nobody can open it without a password. Give its password.",
        ) from error
    return view, Encryption(
        key=bytes(pdf.encryption.encryption_key),
        strings=_method(pdf, pdf.encryption.string_method.name),
        streams=_method(pdf, pdf.encryption.stream_method.name),
        revision=pdf.encryption.R,
        permissions=None if pdf.owner_password_matched else pdf.encryption.P,
    )


def _method(pdf: Pdf, name: str) -> Method:
    if pdf.encryption.V < 4:
        return "rc4"
    match name:
        case "none" | "rc4" | "aes" | "aesv3":
            return name
        case _:
            raise Rejected(
                "pdf.encrypted",
                "The PDF is encrypted in a way that is not written here. Save it without encryption, and "
                "sign that.",
            )


@implements("ISO32000-2:7.6.4.2-PERMITTED")
def may_sign(encryption: Encryption, *, new_field: bool) -> None:
    """Refuses to sign what the password does not permit to be signed.

    A new field needs leave to modify and to annotate (bits 4 and 6), an empty one that is there leave to
    annotate or to fill in forms (bits 6 or 9).
    """
    given = encryption.permissions
    if given is None:
        return
    if new_field:
        allowed = given & _MODIFY and given & _ANNOTATE
    else:
        allowed = given & _ANNOTATE or (encryption.revision >= _FILL_SINCE and given & _FILL)
    if not allowed:
        raise Rejected(
            "pdf.permissions",
            "With this password the PDF may not "
            + (
                "get a field for a signature. Sign one that it has, or give"
                if new_field
                else "be signed. Give"
            )
            + " the owner's password.",
        )


def _encrypted(method: Method, key: bytes, octets: bytes, number: int, generation: int) -> bytes:
    """Octets of an object by algorithm 1 (a key of its own, by its number) or 1.A (the file's key)."""
    from cryptography.hazmat.decrepit.ciphers.algorithms import ARC4  # noqa: PLC0415 - of such files alone
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes  # noqa: PLC0415 - as above

    if method == "none":
        return octets
    if method != "aesv3":
        salted = key + number.to_bytes(3, "little") + generation.to_bytes(2, "little")
        if method == "aes":
            salted += b"sAlT"
        digest = hashlib.md5(salted, usedforsecurity=False).digest()
        key = digest[: min(len(key) + _SHORTEST, _BLOCK)]
    if method == "rc4":
        # What the file has, so that its readers can read what is added; it keeps nothing secret any more.
        return Cipher(ARC4(key), mode=None).encryptor().update(octets)
    begin = os.urandom(_BLOCK)
    padding = _BLOCK - len(octets) % _BLOCK
    cipher = Cipher(algorithms.AES(key), modes.CBC(begin)).encryptor()
    return begin + cipher.update(octets + bytes([padding]) * padding) + cipher.finalize()
