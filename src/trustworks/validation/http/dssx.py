"""Messages of the validation protocol in JSON: VerifyRequest to what is asked, outcome to VerifyResponse.

The names are those of OASIS DSS-X core 2.0, and of TS 119 442 where it adds to them. What a request asks for
and is not understood here is refused, and never left out in silence. Source: DSS-X core 2.0, 4.1.7, 4.2.1,
4.2.10, 4.2.11, 4.3.5; TS 119 442, 5.1 and 5.2 (second-hand).
"""

from __future__ import annotations

import base64
import binascii
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from trustworks.core.algorithms import HASH_FUNCTIONS
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.http import BodyRefusedError
from trustworks.core.trace import implements
from trustworks.formats.uncovered import UNCOVERED
from trustworks.validation.bounded.asked import Asked, Given, Kind
from trustworks.validation.bounded.pool import TOO_MUCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.validation.bounded.asked import Answered

PROFILE: Final = "http://uri.etsi.org/19442/v1.1.1/validationprofile#"
REPORT: Final = "http://uri.etsi.org/19102/v1.4.1#"
"""The kind of validation report that is made: the name space of TS 119 102-2 V1.4.1."""
_MAJOR: Final = "urn:oasis:names:tc:dss:1.0:resultmajor:"
_MINOR: Final = "urn:oasis:names:tc:dss:1.0:resultminor:"
SUCCESS: Final = f"{_MAJOR}Success"
REQUESTER_ERROR: Final = f"{_MAJOR}RequesterError"
RESPONDER_ERROR: Final = f"{_MAJOR}ResponderError"
INSUFFICIENT: Final = f"{_MAJOR}InsufficientInformation"
NOT_SUPPORTED: Final = f"{_MINOR}NotSupported"
GENERAL_ERROR: Final = f"{_MINOR}GeneralError"
_ON_ALL: Final = f"{_MINOR}valid:signature:OnAllDocuments"
_NOT_ALL: Final = f"{_MINOR}valid:signature:NotAllDocumentsReferenced"
_SEVERAL: Final = f"{_MINOR}ValidMultiSignatures"
_INCORRECT: Final = f"{_MINOR}invalid:IncorrectSignature"
_DIGESTS: Final = {
    named: name
    for name in ("sha256", "sha384", "sha512", "sha3_256", "sha3_384", "sha3_512")
    for named in (*HASH_FUNCTIONS[name].uris, HASH_FUNCTIONS[name].oid)
}
"""Hash functions by URI and OID, as `hashlib` calls them."""


class _Part(BaseModel):
    """A component; what it has beyond its own members is found by `_unknown`."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True)


_Word = Annotated[str, Field(max_length=2000)]
"""A name, an address or an identifier: what is kept until the answer leaves."""


class _Base64Data(_Part):
    val: str
    mimeType: _Word | None = None


class _Document(_Part):
    ID: _Word | None = None
    refURI: _Word | None = None
    refType: _Word | None = None
    b64Data: _Base64Data


class _DigestInfo(_Part):
    alg: _Word
    val: str


class _DocumentHash(_Part):
    Id: _Word | None = None
    refURI: _Word | None = None
    refType: _Word | None = None
    di: list[_DigestInfo] = Field(min_length=1, max_length=20)


class _InputDocuments(_Part):
    doc: list[_Document] = []
    docHash: list[_DocumentHash] = []


class _SignatureObject(_Part):
    b64Sig: _Base64Data


class _VerificationTime(_Part):
    currTime: bool = False
    specTime: int | None = None


class _Policy(_Part):
    sigValPolId: _Word


class _ReportWish(_Part):
    asSpecifiedBy: _Word | None = None
    signIt: bool = False


class _OptionalInputs(_Part):
    lang: _Word | None = None
    useVerificationTime: _VerificationTime | None = None
    returnVerificationTime: bool = False
    returnSigningTime: bool = False
    returnSigner: bool = False
    verifyManifests: bool = False
    useSigValPol: _Policy | None = None
    returnValReport: _ReportWish | None = None


class VerifyRequest(_Part):
    """The request message (DSS-X core 2.0, 4.2.10)."""

    profile: list[str] = []
    reqID: str | None = Field(default=None, max_length=500)
    inDocs: _InputDocuments = Field(default_factory=_InputDocuments)
    sigObj: _SignatureObject | None = None
    optInp: _OptionalInputs = Field(default_factory=_OptionalInputs)


class Marks:
    """Counts the values of a message while it arrives: reading one costs a hundred times its octets.

    Every value but the first comes after a comma or an opening bracket, so there are no more; those in
    text count too, and the Base64 of a document has none. `files` is how many documents there may be.
    """

    def __init__(self, files: int) -> None:
        self._left = _VALUES + _VALUES_OF_A_FILE * files

    def count(self, portion: bytes) -> None:
        """Raises `BodyRefusedError` (413) where there are more than so many documents need."""
        self._left -= sum(portion.count(mark) for mark in (b",", b"[", b"{"))
        if self._left < 0:
            raise BodyRefusedError(
                413, "The message has more values than one needs for as many documents as may come."
            )


_VALUES: Final = 1000
_VALUES_OF_A_FILE: Final = 100


def read_request(body: bytes | bytearray) -> VerifyRequest:
    """The request in these octets, of which `Marks` were counted. Raises `Malformed`."""
    try:
        return VerifyRequest.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(one) for one in first["loc"])
        where = f" at {place}" if place else ""
        raise Malformed(f"The request cannot be read{where}: {first['msg']}.") from None


@implements("TS119442:DSS-4.3.5-1", disabled=None)
def check_supported(request: VerifyRequest, *, seals: bool = False) -> None:
    """Refuse what a request asks for and is not understood or done here. `seals`: reports are sealed.

    Raises `Rejected` (NotSupported): DSS-X core 2.0, 4.3.3 and 4.3.5.
    """
    unknown = next(_unknown(request, ""), None)
    if unknown is not None:
        raise Rejected(NOT_SUPPORTED, f"{unknown} is not supported.")
    if request.profile and PROFILE not in request.profile:
        raise Rejected(NOT_SUPPORTED, f"No profile of the request is supported; {PROFILE} is.")
    wish = request.optInp.returnValReport
    if wish is not None and wish.signIt and not seals:
        raise Rejected(NOT_SUPPORTED, "optInp.returnValReport.signIt: reports are not sealed here.")
    if wish is not None and wish.asSpecifiedBy not in {None, REPORT}:
        raise Rejected(NOT_SUPPORTED, f"The only kind of validation report is {REPORT}.")


def check_number(request: VerifyRequest, files: int) -> None:
    """Refuse more documents than come with one request. Raises `Rejected` (``validation.too-much``)."""
    given = request.inDocs
    if (request.sigObj is not None) + len(given.doc) + len(given.docHash) > files:
        raise Rejected(
            TOO_MUCH, f"More than {files} documents came; send them in several requests, or as a form."
        )


def without_documents(request: VerifyRequest) -> VerifyRequest:
    """What of a request its answer needs, so that its documents are not held twice."""
    return request.model_copy(update={"sigObj": None, "inDocs": _InputDocuments()})


def _unknown(part: BaseModel, where: str) -> Iterator[str]:
    """Members of a message that its component does not have here."""
    for name in part.model_extra or {}:
        yield f"{where}{name}"[:200]
    for name in type(part).model_fields:
        value = getattr(part, name)
        for place, one in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(one, BaseModel):
                yield from _unknown(
                    one, f"{where}{name}[{place}]." if isinstance(value, list) else f"{where}{name}."
                )


def asked_of(request: VerifyRequest) -> Asked:
    """What a request asks for.

    With a signature object the documents are what it signs; else the first of them is the signed file.

    Raises:
        Malformed: there is nothing to validate, or something in it cannot be decoded.
        Rejected: NotSupported, for a hash function.
    """
    documents = [_document(one) for one in request.inDocs.doc]
    hashed = [_hashed(one) for one in request.inDocs.docHash]
    if request.sigObj is not None:
        file = Given(octets=_decoded(request.sigObj.b64Sig.val, "sigObj.b64Sig.val"))
    elif documents:
        file = documents.pop(0)
    else:
        raise Malformed("There is nothing to validate: send sigObj.b64Sig, or a signed file as inDocs.doc.")
    wish = request.optInp
    kinds = (Kind.PLAIN, Kind.ETSI) if wish.returnValReport is not None else (Kind.PLAIN,)
    return Asked(
        file=file,
        detached=(*documents, *hashed),
        policy="" if wish.useSigValPol is None else wish.useSigValPol.sigValPolId,
        at=_time(wish.useVerificationTime),
        kinds=kinds,
    )


def _document(one: _Document) -> Given:
    return Given(name=one.refURI, octets=_decoded(one.b64Data.val, "inDocs.doc.b64Data.val"))


@implements("TS119442:DSS-4.2.5", disabled=lambda one: Given(name=one.refURI))
def _hashed(one: _DocumentHash) -> Given:
    digests = []
    for info in one.di:
        function = _DIGESTS.get(info.alg)
        if function is None:
            raise Rejected(NOT_SUPPORTED, f"The hash function {info.alg[:100]!r} is not known here.")
        digests.append((function, _decoded(info.val, "inDocs.docHash.di.val")))
    return Given(name=one.refURI, digests=tuple(digests))


def _decoded(text: str, where: str) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise Malformed(f"{where} is not Base64.") from None


def _time(given: _VerificationTime | None) -> datetime | None:
    if given is None or given.currTime or given.specTime is None:
        return None
    try:
        return datetime.fromtimestamp(given.specTime / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise Malformed(
            "optInp.useVerificationTime.specTime is no time in milliseconds since 1970."
        ) from None


def response(
    request: VerifyRequest | None,
    result: dict[str, Any],
    respond_id: str,
    outputs: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The response message (DSS-X core 2.0, 4.2.11)."""
    named = {} if request is None or request.reqID is None else {"reqID": request.reqID}
    more = {} if outputs is None else {"optOutp": outputs}
    return {"result": result, "profile": [PROFILE], **named, "respID": respond_id, **more}


def result(major: str, minor: str | None = None, message: str = "") -> dict[str, Any]:
    """The result component (DSS-X core 2.0, 4.1.7)."""
    found: dict[str, Any] = {"maj": major}
    if minor is not None:
        found["min"] = minor
    if message:
        found["msg"] = {"value": message, "lang": "en"}
    return found


@implements("TS119442:DSS-4.1.7", disabled=lambda _: result(SUCCESS, _ON_ALL))
def result_of(answered: Answered) -> dict[str, Any]:
    """What all signatures came to together: the worst of them decides."""
    signatures = answered.plain["signatures"]
    if not signatures:
        return result(REQUESTER_ERROR, GENERAL_ERROR, "There is no signature in what was sent.")
    worst = min(signatures, key=lambda one: _WORST.index(one["indication"]))
    found = _result_of_one(worst)
    if found["maj"] == SUCCESS and found["min"] == _ON_ALL:
        if any(one["code"] == UNCOVERED for one in answered.plain["findings"]):
            return result(SUCCESS, _NOT_ALL)
        if len(signatures) > 1:
            return result(SUCCESS, _SEVERAL)
    return found


_WORST: Final = ("TOTAL-FAILED", "INDETERMINATE", "TOTAL-PASSED")


def _result_of_one(signature: dict[str, Any]) -> dict[str, Any]:
    told = " ".join(one["text"] for one in signature["reasons"])
    indication = " ".join(one for one in (signature["indication"], signature["sub_indication"]) if one)
    match signature["indication"]:
        case "TOTAL-PASSED":
            return result(SUCCESS, _ON_ALL, indication)
        case "TOTAL-FAILED":
            return result(SUCCESS, _INCORRECT, f"{indication} {told}".strip())
        case _:
            return result(INSUFFICIENT, None, f"{indication} {told}".strip())


def outputs_of(request: VerifyRequest, answered: Answered) -> dict[str, Any]:
    """The optional outputs that the request asks for, and what of each signature is told in any case."""
    wish, plain = request.optInp, answered.plain
    found: dict[str, Any] = {"appliedSigValPolicy": answered.policy}
    if wish.returnVerificationTime:
        found["verificationTimeInfo"] = {"verificationTime": _milliseconds(plain["validation_time"])}
    if wish.returnValReport is not None and answered.etsi:
        found["validationReport"] = _report_of(answered)
    found["resForEachSignature"] = [_of_one(wish, one) for one in plain["signatures"]]
    return found


@implements("TS119442:5.1-SIGNED-REPORT", disabled=lambda _: {"etsiTS11910202XMLReport": ""})
def _report_of(answered: Answered) -> dict[str, Any]:
    """The report, and whether it is sealed: whoever asked for a signed one may rely on that."""
    text = base64.b64encode(answered.etsi).decode("ascii")
    return {"etsiTS11910202XMLReport": text, "isSigned": answered.sealed}


def _of_one(wish: _OptionalInputs, signature: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {"result": _result_of_one(signature)}
    if wish.returnSigner and signature["signer"]:
        found["signerIdentity"] = {"name": signature["signer"]}
    if wish.returnSigningTime and signature["signing_time"]:
        found["signingTimeInfo"] = {"signingTime": _milliseconds(signature["signing_time"])}
    return found


def _milliseconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp() * 1000)
