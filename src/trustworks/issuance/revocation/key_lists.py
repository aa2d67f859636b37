"""Imports lists of keys that are weak or known to others, and takes them out of use again.

The lists are others' work: of keys that Debian's OpenSSL made (CVE-2008-0166), of keys in firmware, of keys
that were published. Formats, each known by what is in the file: SHA-256 of a SubjectPublicKeyInfo in
hexadecimal, a line each; the last 20 digits of SHA-1 of what `openssl rsa -modulus` prints, a line each
(openssl-blacklist); badkeys' blocklist.dat (records of 16 octets, sorted: 15 of a SHA-256 and a number);
keys, certificates and requests in PEM.
"""

from __future__ import annotations

import hashlib
import re
from itertools import pairwise
from typing import TYPE_CHECKING, Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)
from sqlalchemy.exc import IntegrityError

from trustworks.core.audit import Event
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.time import any_time
from trustworks.core.trace import implements
from trustworks.issuance.model.key_lists import OCTETS, KeyList, Naming, names_of_key
from trustworks.issuance.records import key_lists as records
from trustworks.issuance.rules.requests import check_actor

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.core.audit import Recorder
    from trustworks.core.audit.canonical import JSON
    from trustworks.core.store import Database
    from trustworks.core.time import Clock

MAX_LIST: Final = 512 << 20
_RECORD: Final = 16  # octets of badkeys: the name of the key, and of the list that it is from
_LINES: Final = {64: Naming.SPKI_SHA256, 20: Naming.OPENSSL_MODULUS}
_HEX: Final = re.compile(r"(?:[0-9A-Fa-f]{2})+")
_PEM: Final = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@implements("TRUSTWORKS:ISSUANCE-KEY-LIST-READ", disabled=lambda _data: (Naming.SPKI_SHA256, [bytes(16)]))
def read_key_list(data: bytes) -> tuple[Naming, list[bytes]]:
    """How a file names keys, and the names: sorted, each once. Raises `Malformed` for the whole file."""
    if len(data) > MAX_LIST:
        raise Malformed(f"The file has more than {MAX_LIST >> 20} MiB; split the list.")
    if b"-----BEGIN " in data:
        naming, found = Naming.SPKI_SHA256, _of_pem(data)
    elif data.isascii() and b"\0" not in data:
        naming, found = _of_lines(data.decode("ascii"))
    else:
        naming, found = Naming.BADKEYS, _of_badkeys(data)
    entries = sorted(set(found))
    if not entries:
        raise Malformed("The file has no key in it.")
    return naming, entries


def _of_lines(text: str) -> tuple[Naming, list[bytes]]:
    naming: Naming | None = None
    found: list[bytes] = []
    for number, line in enumerate(text.splitlines(), 1):
        digits = line.partition("#")[0].strip()
        if not digits:
            continue
        this = _LINES.get(len(digits)) if _HEX.fullmatch(digits) else None
        if this is None or naming not in {None, this}:
            raise Malformed(
                f"Line {number} is not as the lines of a list are: 64 hexadecimal digits (SHA-256 of a "
                "SubjectPublicKeyInfo), or in all lines 20 (openssl-blacklist)."
            )
        naming = this
        octets = bytes.fromhex(digits)
        found.append(octets[: OCTETS[this]])
    return naming or Naming.SPKI_SHA256, found


def _of_badkeys(data: bytes) -> list[bytes]:
    found = [data[at : at + _RECORD] for at in range(0, len(data), _RECORD)]
    # Hashes are spread evenly, and badkeys looks for them by halving: what is not sorted is something else.
    if len(data) % _RECORD or any(one > other for one, other in pairwise(found)):
        raise Malformed(
            "The file is no list of keys: it is neither text nor PEM, nor the sorted records of badkeys' "
            "blocklist.dat (unpack it first if it is compressed)."
        )
    return [one[: OCTETS[Naming.BADKEYS]] for one in found]


def _of_pem(data: bytes) -> list[bytes]:
    found = []
    for number, block in enumerate(_PEM.finditer(data), 1):
        try:
            spki = _spki_of(block[1], block[0])
        except (ValueError, TypeError, UnsupportedAlgorithm, x509.InvalidVersion) as error:
            raise Malformed(
                f"The PEM block {number} of the file ({block[1].decode()}) has no key that can be read: give "
                "public or private keys without passphrase, certificates or requests."
            ) from error
        found.append(names_of_key(spki, [Naming.SPKI_SHA256])[Naming.SPKI_SHA256])
    if len(found) != data.count(b"-----BEGIN "):
        raise Malformed("A PEM block of the file does not end; the file was cut.")
    return found


def _spki_of(label: bytes, pem: bytes) -> bytes:
    if label.endswith(b"PRIVATE KEY"):
        key = load_pem_private_key(pem, password=None).public_key()
    elif label == b"CERTIFICATE":
        key = x509.load_pem_x509_certificate(pem).public_key()
    elif label.endswith(b"CERTIFICATE REQUEST"):
        key = x509.load_pem_x509_csr(pem).public_key()
    else:
        key = load_pem_public_key(pem)
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class KeyLists:
    """The imported lists. `system`: the system's clock, as in `StatusChange`."""

    def __init__(
        self, *, database: Database, recorder: Recorder, clock: Clock, system: Clock | None = None
    ) -> None:
        self._database = database
        self._recorder = recorder
        self._clock = clock
        self._system = system

    def add(self, data: bytes, *, source: str, dated_at: datetime, by: str) -> KeyList:
        """Import a list, from whose commit on no key of it is certified.

        Raises `Malformed` for a file that is no list, `Rejected` (issuance.key-list) for one that is here
        already, in use or not.
        """
        check_actor(by)
        _check_words(source, "--source", 500)
        naming, entries = read_key_list(data)
        moment, unproven = any_time(self._clock, self._system)
        if dated_at > moment:
            raise Malformed("The day of the list (--dated) is to come; give the day that the list tells of.")
        made = KeyList(
            id=digest_of(entries),
            naming=naming,
            entries=len(entries),
            source=source,
            dated_at=dated_at,
            imported_at=moment,
            imported_by=by,
        )
        detail = {"naming": naming.value, "entries": len(entries), "source": source}
        detail |= {"dated": dated_at.isoformat(), **({} if unproven is None else {"unproven_time": unproven})}
        try:
            self._recorder.transact(
                _event("key.list-imported", made, by, moment, detail),
                lambda connection: records.add_key_list(connection, made, entries),
            )
        except IntegrityError:
            raise Rejected(
                "issuance.key-list",
                f"The list {made.id[:16]} was imported before; see `trustworks certificate blocked list`.",
            ) from None
        return made

    def retire(self, beginning: str, *, why: str, by: str) -> KeyList:
        """Use a list no more; `beginning` is that of its id. Its record stays.

        Raises `Rejected` (issuance.key-list) where it names no list in use, or several.
        """
        check_actor(by)
        _check_words(why, "--why", 2000)
        moment, unproven = any_time(self._clock, self._system)

        def action(connection: Connection) -> KeyList:
            used = [one for one in records.all_key_lists(connection) if one.retired_at is None]
            found = [one for one in used if beginning and one.id.startswith(beginning.lower())]
            if len(found) != 1:
                raise Rejected(
                    "issuance.key-list",
                    f"{beginning!r} names {'no list' if not found else 'several lists'} in use; see "
                    "`trustworks certificate blocked list`.",
                )
            records.retire_key_list(connection, found[0].id, at=moment, by=by, why=why)
            return found[0]

        detail = {"why": why, **({} if unproven is None else {"unproven_time": unproven})}
        return self._recorder.transact(
            lambda done: _event("key.list-retired", done, by, moment, detail), action
        )

    def certificates(self, made: KeyList) -> list[str]:
        """The serial numbers of the certificates in use whose keys a list has, read one after another."""
        moment, _ = any_time(self._clock, self._system)
        with self._database.read() as connection:
            entries = frozenset(records.entries_of(connection, made))
            return [
                serial
                for serial, der in records.certified_keys(connection, moment)
                if names_of_key(_spki_in(der), [made.naming]).get(made.naming) in entries
            ]


def imported_lists(database: Database) -> list[tuple[KeyList, bool]]:
    """Every list, the oldest first, and whether its entries are those that were imported."""
    with database.read() as connection:
        return [
            (one, digest_of(records.entries_of(connection, one)) == one.id)
            for one in records.all_key_lists(connection)
        ]


def digest_of(entries: Iterable[bytes]) -> str:
    """SHA-256 of the entries of a list, in hexadecimal."""
    digest = hashlib.sha256()
    for entry in entries:
        digest.update(entry)
    return digest.hexdigest()


def _spki_in(der: bytes) -> bytes:
    key = x509.load_der_x509_certificate(der).public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _check_words(text: str, option: str, most: int) -> None:
    if not text.strip() or len(text) > most or not text.isprintable():
        raise Malformed(f"{option} has to say something, in one line of at most {most} characters.")


def _event(kind: str, made: KeyList, by: str, moment: datetime, detail: Mapping[str, JSON]) -> Event:
    subject = {"kind": "key-list", "id": made.id}
    return Event(type=kind, outcome="success", actor=by, subject=subject, detail=detail, time=moment)
