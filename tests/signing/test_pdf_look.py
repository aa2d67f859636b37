"""PDF as people have them, through the whole process: seen signatures, encrypted and archivable files."""

from __future__ import annotations

import io
from dataclasses import replace

import pytest
from signing_forms import asked
from signing_house import NOW, house

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.pages.typesetting import typeset
from trustworks.formats.data import Octets, Protected
from trustworks.formats.pades.creating import Look, Place, Shown
from trustworks.formats.read import read
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Document, Level, PadesChoices

TEMPLATE = b'#set document(title: "T")\n#set text(lang: "en")\n= T\nYou owe nothing.'
SHOWN = PadesChoices(
    widget=Shown(
        look=Look(text="Signed by a person", border="#004488"),
        place=Place(page=-1, corner="bottom-right", rectangle=(20, 20, 150, 40)),
    )
)


def encrypted(octets: bytes) -> bytes:
    import pikepdf  # noqa: PLC0415 - loaded where it is used

    out = io.BytesIO()
    with pikepdf.open(io.BytesIO(octets)) as pdf:
        allowed = pikepdf.Permissions(modify_form=True, modify_annotation=True, modify_other=True)
        pdf.save(out, encryption=pikepdf.Encryption(user="user", owner="owner", allow=allowed, R=6))
    return out.getvalue()


@pytest.mark.parametrize("level", [Level.B, Level.LTA])
@pytest.mark.parametrize("password", [None, "user", "owner"])
def test_every_level_is_reached_and_raised_to(level: Level, password: str | None) -> None:
    octets = typeset(TEMPLATE, {}, NOW)
    data = Octets(octets) if password is None else Protected(Octets(encrypted(octets)), password)
    person = house().person()
    request = replace(asked("pades"), documents=(Document(data=data),), pades=SHOWN, level=level)
    creation = Creation(means=house().means, terms=Terms())
    made = creation.sign(request, person.signer, person.sign)
    assert made.level == f"PAdES-BASELINE-{level.value.removeprefix('B-')}"
    raised = creation.augment(made.data, Level.LTA, renew=level is Level.LTA).data.octets()
    (signature,) = read(with_password(raised, password)).signatures
    assert signature.level == "PAdES-BASELINE-LTA"
    assert all(one.intact for one in signature.references)
    if password is not None:
        with pytest.raises(Malformed, match="password"):
            read(Octets(raised))


def with_password(octets: bytes, password: str | None) -> Octets | Protected:
    return Octets(octets) if password is None else Protected(Octets(octets), password)


def test_what_is_encrypted_is_not_signed_without_its_password() -> None:
    data = Octets(encrypted(typeset(TEMPLATE, {}, NOW)))
    request = replace(asked("pades"), documents=(Document(data=data),))
    person = house().person()
    with pytest.raises(Rejected, match="Give its password") as caught:
        Creation(means=house().means, terms=Terms()).sign(request, person.signer, person.sign)
    assert caught.value.code == "pdf.password"
