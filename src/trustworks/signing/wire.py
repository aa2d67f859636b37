"""What clients send and get, in JSON: octets are base64. Unknown members are refused.

Source: RFC 4648, 4 (base64); the three steps are those of EN 319 102-1, 4.2.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, ValidationError

from trustworks.core.errors import Malformed
from trustworks.formats.claims import Claims
from trustworks.formats.data import Octets, Protected
from trustworks.formats.evidence import PolicyReference
from trustworks.signing.model import (
    CERTIFY,
    JSON,
    CadesChoices,
    Container,
    Document,
    Format,
    JadesChoices,
    Level,
    Onto,
    Packaging,
    PadesChoices,
    Request,
    Signer,
    Visible,
    XadesChoices,
    check_opens,
    lock_of,
)
from trustworks.signing.model.pdf import LONGEST_PASSWORD, MOST_PICTURE, Corner

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trustworks.formats.data import Data
    from trustworks.formats.dtbs import Dtbs
    from trustworks.formats.pades.creating import Lock, Shown

_MOST_DOCUMENTS: Final = 1000
_MOST_FIELDS: Final = 1000
_WORDS: Final = {
    "extra_forbidden": "there is no such member",
    "missing": "it is not there, and has to be",
    "json_invalid": "it is no JSON",
}


def _octets(value: object) -> bytes:
    if isinstance(value, bytes):
        return value
    if not isinstance(value, str):
        raise ValueError("write octets as a string of base64")  # noqa: TRY004 - as Pydantic asks
    try:
        return base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("this is no base64") from None


Base64 = Annotated[bytes, BeforeValidator(_octets, json_schema_input_type=str)]
Text = Annotated[str, Field(max_length=1000)]


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class DetachedBody(_Body):
    """A document beside a signed file: its octets, and the name by which it is found again."""

    content: Base64
    name: Text | None = None
    media_type: Text | None = None

    def document(self) -> Document:
        """As the model has it."""
        return Document(data=Octets(self.content, self.name), media_type=self.media_type)


class DocumentBody(DetachedBody):
    """A document, and the password that opens it if it is an encrypted PDF: it is kept nowhere."""

    password: Annotated[SecretStr, Field(min_length=1, max_length=LONGEST_PASSWORD)] | None = None

    def document(self) -> Document:
        """As the model has it."""
        found = super().document()
        if self.password is None:
            return found
        return Document(
            data=Protected(found.data, self.password.get_secret_value()), media_type=found.media_type
        )


class PolicyBody(_Body):
    """A signature policy: its identifier, the digest of its document, and where that is published."""

    id: Text
    digest: Base64
    hash: Text = "sha256"
    uri: Text | None = None


class ClaimsBody(_Body):
    """What the signer says."""

    roles: tuple[Text, ...] = ()
    commitments: tuple[Text, ...] = ()
    place: dict[Text, Text] | None = None
    policy: PolicyBody | None = None

    def claims(self) -> Claims:
        """As the model has it; the time is put in when the signature is prepared."""
        policy = self.policy
        named = (
            None
            if policy is None
            else PolicyReference(
                identifier=policy.id, digest_algorithm=policy.hash, digest=policy.digest, uri=policy.uri
            )
        )
        return Claims(
            policy=named, location=self.place, claimed_roles=self.roles, commitments=self.commitments
        )


class XadesBody(_Body):
    """See `model.XadesChoices`."""

    as_elements: bool = False
    manifest: bool = False
    elements: tuple[Text, ...] = ()
    within: Text | None = None
    beside_others: bool = False
    sign_key_info: bool = False


class JadesBody(_Body):
    """See `model.JadesChoices`."""

    serialization: Literal["compact", "flattened", "general"] = "flattened"
    mechanism: Literal["hash", "uri", "none"] = "hash"
    in_clear: bool = False


class VisibleBody(_Body):
    """See `model.Visible`: what is shown (a text, a picture in PNG or JPEG, or both), and where."""

    text: Text | None = None
    image: Annotated[Base64, Field(max_length=MOST_PICTURE)] | None = None
    rectangle: tuple[float, float, float, float] | None = None
    page: int | None = None
    corner: Corner | None = None
    alternative: Text | None = None

    def shown(self, field: str | None) -> Shown | None:
        """As the model has it; `field`: the one that is signed. Raises `Malformed`, `Rejected`."""
        return Visible(
            text=self.text,
            picture=self.image,
            rectangle=self.rectangle,
            page=self.page,
            corner=self.corner,
            alternative=self.alternative,
            in_field=field,
        ).shown(JSON)


class LockBody(_Body):
    """Fields that may not be changed afterwards: those, all but those, or all."""

    include: Annotated[tuple[Text, ...], Field(max_length=_MOST_FIELDS)] = ()
    exclude: Annotated[tuple[Text, ...], Field(max_length=_MOST_FIELDS)] = ()
    all: bool = False

    def lock(self) -> Lock | None:
        """As the model has it. Raises `Malformed` where it is said in two ways."""
        return lock_of(self.include, self.exclude, everything=self.all, names=JSON)


class PadesBody(_Body):
    """See `model.PadesChoices`."""

    field: Text | None = None
    name: Text | None = None
    reason: Text | None = None
    location: Text | None = None
    contact: Text | None = None
    certify: Literal["none", "forms", "annotations"] | None = None
    visible: VisibleBody | None = None
    lock: LockBody | None = None


class AskedBody(_Body):
    """A signature that is asked for, without who signs."""

    documents: Annotated[tuple[DocumentBody, ...], Field(min_length=1, max_length=_MOST_DOCUMENTS)]
    format: Format
    level: Level = Level.B
    packaging: Packaging | None = None
    container: Container | None = None
    hash: Text = "sha256"
    claims: ClaimsBody = ClaimsBody()
    content_time_stamp: bool = False
    onto: Onto = Onto.NEW
    target: Text | None = None
    description: Text | None = None
    xades: XadesBody = XadesBody()
    jades: JadesBody = JadesBody()
    pades: PadesBody = PadesBody()

    @property
    def time_stamps(self) -> int:
        """How many time-stamps it needs."""
        archived = self.level is Level.LTA
        return int(self.level is not Level.B) + int(archived) + int(self.content_time_stamp)

    def request(self) -> Request:
        """As the model has it. Raises `Malformed`, `Rejected` for what does not go together in a PDF."""
        xades, jades, pades = self.xades, self.jades, self.pades
        check_passwords(self.format, self.documents)
        return Request(
            format=self.format,
            documents=tuple(one.document() for one in self.documents),
            level=self.level,
            packaging=self.packaging,
            container=self.container,
            claims=self.claims.claims(),
            hash_name=self.hash,
            content_time_stamp=self.content_time_stamp,
            onto=self.onto,
            target=self.target,
            xades=XadesChoices(
                as_xml=xades.as_elements,
                manifest=xades.manifest,
                parts=xades.elements,
                within=xades.within,
                beside_others=xades.beside_others,
                sign_key_info=xades.sign_key_info,
            ),
            cades=CadesChoices(description=self.description),
            jades=JadesChoices(
                serialization=jades.serialization, mechanism=jades.mechanism, encoded=not jades.in_clear
            ),
            pades=PadesChoices(
                field=pades.field,
                name=pades.name,
                reason=pades.reason,
                location=pades.location,
                contact=pades.contact,
                certify=None if pades.certify is None else CERTIFY[pades.certify],
                widget=None if pades.visible is None else pades.visible.shown(pades.field),
                lock=None if pades.lock is None else pades.lock.lock(),
            ),
        )


class PrepareBody(AskedBody):
    """Step 1: who signs, by certificates in DER, that of the key first. `scheme`: None: that of the key."""

    certificates: Annotated[tuple[Base64, ...], Field(min_length=1, max_length=20)]
    scheme: Text | None = None

    def signer(self, usual: str) -> Signer:
        """As the model has it."""
        return Signer(certificates=self.certificates, scheme=self.scheme or usual)


class SealBody(AskedBody):
    """A seal of the provider, by its name."""

    seal: Text


class CompleteBody(_Body):
    """Step 3: what was prepared, the value that the key signed (ECDSA in DER), and the same documents."""

    prepared: Base64
    value: Base64
    documents: Annotated[tuple[DocumentBody, ...], Field(min_length=1, max_length=_MOST_DOCUMENTS)]


class AugmentBody(_Body):
    """Signatures to be raised: the file, its detached data, the level, and which of them (none: all)."""

    file: DocumentBody
    detached: tuple[DetachedBody, ...] = ()
    level: Level = Level.LTA
    signatures: tuple[Text, ...] = ()
    renew: bool = False


def read(kind: type[_Body], octets: bytes) -> Any:
    """A message of one kind. Raises `Malformed`, whose sentence names the member that is wrong."""
    try:
        return kind.model_validate_json(octets)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"])) or "the message"
        said = _WORDS.get(first["type"], first["msg"].removeprefix("Value error, "))
        if first["type"] in {"too_long", "string_too_long"}:
            said = f"it is too long; {first['ctx']['max_length']} are the most"
        raise Malformed(f"{where}: {said}.") from error
    except RecursionError as error:
        raise Malformed("The message is nested deeper than it may be.") from error


def prepared_answer(state: bytes, dtbs: Dtbs) -> bytes:
    """What step 1 answers: the state as octets, and what is to be signed: of much of it the digest alone."""
    return _json(
        {
            "prepared": in_base64(state),
            "scheme": dtbs.scheme,
            "hash": dtbs.hash_name,
            "digest": None if dtbs.digest is None else in_base64(dtbs.digest),
            "data_to_be_signed": in_base64(dtbs.octets) if dtbs.is_held else None,
        }
    )


def signed_answer(data: Data, level: str) -> bytes:
    """The signed file, and its level."""
    return _json({"content": in_base64(data.octets()), "name": data.name, "level": level})


def augmented_answer(data: Data, changes: Sequence[tuple[str, str, str]]) -> bytes:
    """The file, and what became of each signature: its id, its level before and after."""
    told = [{"id": named, "before": before, "level": after} for named, before, after in changes]
    return _json({"content": in_base64(data.octets()), "name": data.name, "signatures": told})


def check_passwords(format_: Format, bodies: Sequence[DocumentBody]) -> None:
    """Raises `Malformed` where a password is given for what is no PDF that is signed as PAdES."""
    if any(one.password is not None for one in bodies):
        check_opens(format_, JSON)


def documents_of(bodies: Sequence[DocumentBody]) -> tuple[Document, ...]:
    """As the model has them."""
    return tuple(one.document() for one in bodies)


def in_base64(octets: bytes) -> str:
    """Octets as messages have them."""
    return base64.b64encode(octets).decode("ascii")


def _json(value: dict[str, Any]) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
