"""Signatures of every form, level and kind of key, made by the whole process of signing, in a house of tests.

A form is a format with its packaging, its container and how it is written (`signing_forms`). What else there
is to choose goes round from cell to cell: the hash of references, how status is told, content time-stamps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from dss_judge import Case
from evidence_graphs import Entity, key, ocsp_answer
from judged_making import ALIKE, RESPONDER, UNIT, authority, lists, root
from signing_forms import FORMS, NAMES, asked, detached
from signing_house import KINDS, House, key_of

from trustworks.core.ports import NOTHING, ValidationData
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Container, Format, Level
from trustworks.validation import validate
from trustworks.validation.policies.suites import shipped
from trustworks.validation.service import policy_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from judged_making import Change
    from signing_house import Person

    from trustworks.signing.create.process import Signed
    from trustworks.signing.model import Request
    from trustworks.validation import Policy
    from trustworks.validation.service import Report

HASHES: Final = ("sha256", "sha384", "sha512")
TOLD: Final = ("list", "answer")
"""How the status of the signer is told: by a revocation list, or by an OCSP answer."""
LATER: Final = timedelta(hours=1)


@dataclass(frozen=True)
class MatrixHouse(House):
    """An authority below a root, that issues signers; the root issues the time-stamping unit."""

    told: str = "list"

    @property
    def unit(self) -> Entity:
        return UNIT

    def evidence_of(
        self,
        certificate: bytes,
        at: datetime,
        *,
        at_hand: ValidationData = NOTHING,
        since: datetime | None = None,
        time_stamp: bool = False,
    ) -> ValidationData:
        """The path, and the status of this second."""
        del at, at_hand, since
        now = datetime.now(UTC).replace(microsecond=0)
        path = (certificate, authority().der, root().der)
        if self.told == "list" or time_stamp:
            return ValidationData(certificates=path, lists=lists(at=now))
        about = Entity("", x509.load_der_x509_certificate(certificate), authority())
        answer = ocsp_answer(about, RESPONDER, now)
        return ValidationData(certificates=path, lists=lists(at=now)[1:], answers=(answer,))


@cache
def matrix_house(told: str) -> MatrixHouse:
    return MatrixHouse(root=authority(), told=told)


@cache
def signer(kind: str) -> Person:
    """A signer with a key of that kind."""
    public = key_of(KINDS[kind].make).public_key()
    return matrix_house(TOLD[0]).person(
        kind,
        extensions=(
            x509.SubjectKeyIdentifier.from_public_key(public),
            x509.AuthorityKeyIdentifier.from_issuer_public_key(key(authority().name).public_key()),
        ),
    )


@dataclass(frozen=True)
class Cell:
    """One signature of the matrix; `number` is where it stands, by which the smaller choices go round."""

    form: str
    level: Level
    kind: str
    number: int

    @property
    def name(self) -> str:
        return f"{self.form} {self.level} {self.kind}"

    @property
    def told(self) -> str:
        return TOLD[self.number // 3 % 2]

    @property
    def request(self) -> Request:
        wanted = asked(self.form)
        # A signature in XML or JSON with a reference by hash, and CMS with its digests: each by all of them.
        return replace(
            wanted,
            level=self.level,
            hash_name=HASHES[self.number % 3],
            content_time_stamp=self.number % 5 == 0,
        )

    @property
    def wanted(self) -> str:
        """The level as our reader and EU DSS name it."""
        return f"{NAMES[self.request.format]}-BASELINE-{self.level.value.removeprefix('B-')}"

    @property
    def suffix(self) -> str:
        if self.request.container is not None:
            return "asics" if self.request.container is Container.ASIC_S else "asice"
        return {Format.XADES: "xml", Format.CADES: "p7m", Format.PADES: "pdf", Format.JADES: "json"}[
            self.request.format
        ]

    def sign(self) -> Signed:
        person = signer(self.kind)
        creation = Creation(means=matrix_house(self.told).means, terms=Terms(ed25519=True, lab=True))
        return creation.sign(self.request, person.signer, person.sign)


def _can_be(form: str, level: Level) -> bool:
    """A compact JWS has no place for what levels add."""
    return level is Level.B or form != "jades-compact"


EVERY: Final = [
    Cell(form, level, kind, number)
    for number, (form, level, kind) in enumerate(product(FORMS, Level, KINDS))
    if _can_be(form, level)
]


def pairs() -> list[Cell]:
    """A part of the matrix in which each form, level and kind of key meets each other one."""
    there = {(one.form, one.level, one.kind): one for one in EVERY}
    found: list[Cell] = []
    for row, form in enumerate(FORMS):
        for column, kind in enumerate(KINDS):
            level = list(Level)[(row + column) % 4]
            cell = there.get((form, level, kind)) or there[form, Level.B, kind]
            found.append(replace(cell, number=len(found)))
    return found


@cache
def policy() -> Policy:
    """Ours, with the edition of TS 119 312 that has Ed25519."""
    return replace(policy_of("ades"), suite=shipped("ts119312-2.1.1"))


_EDDSA: Final = (
    (
        "AcceptableEncryptionAlgo",
        "".join(f"<Algo>{one}</Algo>" for one in ("RSA", "RSASSA-PSS", "ECDSA", "EdDSA")),
    ),
    (
        "MiniPublicKeySize",
        "".join(
            f'<Algo Size="{size}">{one}</Algo>'
            for one, size in (("RSA", 3000), ("RSASSA-PSS", 3000), ("ECDSA", 256), ("EdDSA", 24))
        ),
    ),
)
WITH_EDDSA: Final[tuple[Change, ...]] = (
    *ALIKE,
    *((f"Cryptographic/{name}", {}, inside) for name, inside in _EDDSA),
    ("Cryptographic/AlgoExpirationDate", {}, "<Algo>SHA256</Algo>"),
)
"""The policy of EU DSS, with Ed25519 among the algorithms, which it leaves out by default."""


@dataclass(frozen=True, kw_only=True)
class Judging:
    """With what the files of a folder are judged: root, newest lists, documents, a time after all of it."""

    anchor: Path
    lists: tuple[Path, ...]
    at: datetime

    @classmethod
    def into(cls, folder: Path) -> Judging:
        at = datetime.now(UTC).replace(microsecond=0) + LATER
        anchor = folder / "root.cer"
        anchor.write_bytes(root().der)
        files = []
        for number, one in enumerate(lists(at=at)):
            files.append(folder / f"{number}.crl")
            files[-1].write_bytes(one)
        return cls(anchor=anchor, lists=tuple(files), at=at + LATER)

    def case(self, file: Path, beside: Iterable[Path] = (), **more: Any) -> Case:
        return Case(
            file=file, anchors=(self.anchor,), detached=tuple(beside), at=self.at, lists=self.lists, **more
        )

    def here(self, case: Case) -> Report:
        """What we say of it, with no more than what is given to the judge."""
        return validate(
            case.file,
            detached=case.detached,
            trust=case.anchors,
            untrusted=case.lists,
            at=case.at,
            offline=True,
            policy=policy() if case.policy is None else str(case.policy),
        )


@dataclass(frozen=True, kw_only=True)
class Made:
    """A signature of the matrix in its file, with its documents where they are not in it."""

    cell: Cell
    file: Path
    beside: tuple[Path, ...]


def made(cell: Cell, folder: Path) -> Made:
    """The file of a cell in that folder, and the documents beside it."""
    signed = cell.sign()
    assert signed.level == cell.wanted, (cell.name, signed.level)
    file = folder / f"{cell.name.replace(' ', '_')}.{cell.suffix}"
    file.write_bytes(signed.data.octets())
    beside = []
    for one in detached(cell.request):
        beside.append(folder / (one.name or ""))
        beside[-1].write_bytes(one.octets())
    return Made(cell=cell, file=file, beside=tuple(beside))
