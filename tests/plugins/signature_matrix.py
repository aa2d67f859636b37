"""Signatures of every form, level and kind of key, made by the whole process of signing, in `matrix_house`.

A form is a format with its packaging, its container and how it is written (`signing_forms`). What else there
is to choose goes round from cell to cell: the profile of the signer's certificate, the hash of references,
how status is told, content time-stamps.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from functools import cache
from itertools import product
from typing import TYPE_CHECKING, Any, Final

from dss_judge import Case
from judged_making import ALIKE
from matrix_house import PROFILES
from signing_forms import FORMS, NAMES, asked, detached
from signing_house import KINDS

from trustworks.formats.claims import Claims
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Container, Format, Level
from trustworks.validation.given import extra_of, trusted_of
from trustworks.validation.policies.suites import shipped
from trustworks.validation.service import Validator, policy_of

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime
    from pathlib import Path

    from judged_making import Change
    from matrix_house import MatrixHouse, Qualified

    from trustworks.signing.create.process import Signed
    from trustworks.signing.model import Request
    from trustworks.validation import Policy
    from trustworks.validation.service import Report

HASHES: Final = ("sha256", "sha384", "sha512")
TOLD: Final = ("list", "answer")
"""How the status of the signer is told: by a revocation list, or by an OCSP answer."""
SOON: Final = timedelta(seconds=2)
"""From a signature to the lists by which it is judged."""
LATER: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Cell:
    """One signature of the matrix; `number` is where it stands, by which the smaller choices go round.

    `turn` turns the profiles of certificates, so that each kind of key meets all of them.
    """

    form: str
    level: Level
    kind: str
    number: int
    turn: int = 0

    @property
    def name(self) -> str:
        return f"{self.form} {self.level} {self.kind}"

    @property
    def told(self) -> str:
        return TOLD[self.number // 3 % 2]

    @property
    def profile(self) -> str:
        """The profile of the signer's certificate."""
        return list(PROFILES)[(list(KINDS).index(self.kind) + self.turn) % len(PROFILES)]

    @property
    def qualified(self) -> Qualified:
        """What the signature is by the trusted list."""
        return PROFILES[self.profile]

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

    def sign(self, house: MatrixHouse) -> Signed:
        person = house.person(self.kind, self.profile)
        means = house.means(by_answer=self.told == "answer")
        creation = Creation(means=means, terms=Terms(ed25519=True, lab=True))
        claims = Claims(signing_time=house.now().replace(microsecond=0))
        return creation.sign(replace(self.request, claims=claims), person.signer, person.sign)


def _can_be(form: str, level: Level) -> bool:
    """A compact JWS has no place for what levels add."""
    return level is Level.B or form != "jades-compact"


EVERY: Final = [
    Cell(form, level, kind, number, turn=number // len(KINDS))
    for number, (form, level, kind) in enumerate(product(FORMS, Level, KINDS))
    if _can_be(form, level)
]


def pairs() -> list[Cell]:
    """A part of the matrix in which each form, level and kind of key meets each other one.

    Each kind of key has one certificate here: they take longer to issue than all else that is signed.
    """
    there = {(one.form, one.level, one.kind): one for one in EVERY}
    found: list[Cell] = []
    for row, form in enumerate(FORMS):
        for column, kind in enumerate(KINDS):
            level = list(Level)[(row + column) % 4]
            cell = there.get((form, level, kind)) or there[form, Level.B, kind]
            found.append(replace(cell, number=len(found), turn=0))
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
    """With what files are judged: the trusted lists of the house alone, its newest revocation lists."""

    house: MatrixHouse
    folder: Path
    lists: tuple[Path, ...]
    at: datetime
    answers: tuple[Path, ...] = ()

    @classmethod
    def into(cls, house: MatrixHouse, folder: Path) -> Judging:
        """Now, with what is known beside the files written into a folder."""
        at = house.pass_(SOON).replace(microsecond=0)
        files = []
        for name in ("issuing", "root"):
            files.append(folder / f"{name}.crl")
            files[-1].write_bytes(house.list_of(name))
        return cls(house=house, folder=folder, lists=tuple(files), at=at + LATER)

    @property
    def without_the_signer(self) -> Judging:
        """The same without the list that tells of signers; of the time-stamping unit there is an answer."""
        answer = self.folder / "unit.ocsp"
        answer.write_bytes(self.house.answer(self.house.unit))
        return replace(self, lists=self.lists[1:], answers=(answer,))

    def case(self, file: Path, beside: Iterable[Path] = (), **more: Any) -> Case:
        return Case(
            file=file, detached=tuple(beside), at=self.at, lists=self.lists, answers=self.answers, **more
        )

    def here(self, case: Case) -> Report:
        """What we say of it, with no more than what is given to the judge."""
        return self._validator(case.policy).validate(case.file, detached=case.detached)

    @cache  # noqa: B019 - lives as long as a test
    def _validator(self, by: Path | None) -> Validator:
        trusted = trusted_of([self.house.store], self.at)
        return Validator(
            policy=policy() if by is None else policy_of(str(by)),
            trust=trusted.trust,
            lists=trusted.lists,
            extra=extra_of([*self.lists, *self.answers]),
            at=self.at,
        )


@dataclass(frozen=True, kw_only=True)
class Made:
    """A signature of the matrix in its file, its documents that are not in it, its signer's certificate."""

    cell: Cell
    file: Path
    beside: tuple[Path, ...]
    certificate: bytes


def made(house: MatrixHouse, cell: Cell, folder: Path) -> Made:
    """The file of a cell in that folder, and the documents beside it."""
    signed = cell.sign(house)
    assert signed.level == cell.wanted, (cell.name, signed.level)
    file = folder / f"{cell.name.replace(' ', '_')}.{cell.suffix}"
    file.write_bytes(signed.data.octets())
    beside = []
    for one in detached(cell.request):
        beside.append(folder / (one.name or ""))
        beside[-1].write_bytes(one.octets())
    certificate = house.person(cell.kind, cell.profile).certificate
    return Made(cell=cell, file=file, beside=tuple(beside), certificate=certificate)
