"""The page on which a person reads documents, agrees, and has them signed by a seal of the provider.

Nothing is kept between its steps: `GET /sign` is a form; `POST /sign/read` shows the documents, and its form
has a ticket of what was shown; `POST /sign/agree` takes ticket, ticks and the files once more, and signs.
"""

from __future__ import annotations

import base64
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.web.arriving import admitted, octets
from trustworks.app.web.shown import Inline, environment
from trustworks.app.web.validation import HEADERS as LIKE
from trustworks.app.web.validation import HTML
from trustworks.core.der.algorithms import HASHES
from trustworks.core.errors import Malformed, Refused, Rejected, TrustworksError, Unavailable
from trustworks.core.http import BodyRefusedError, RawResponse, Route
from trustworks.formats.data import Octets
from trustworks.signing.agreeing import MOST_DOCUMENTS, named
from trustworks.signing.bounded.pool import TOO_MUCH
from trustworks.signing.choosing import PLACE, Choice, ways_for
from trustworks.signing.desk import BUSY
from trustworks.signing.model import Level
from trustworks.signing.rules.clients import QUOTAS, check_private, is_full
from trustworks.signing.rules.identifiers import COMMITMENTS
from trustworks.signing.ticket import LONGEST
from trustworks.validation.http.form import Form

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
    from pathlib import Path

    from trustworks.core.http import RawRequest
    from trustworks.signing.agreeing import Agreements, Done, Looked
    from trustworks.signing.config import ClientSettings
    from trustworks.signing.shown.model import Finding

    Do = Callable[[Form, list[Octets]], Awaitable[RawResponse]]

PATH: Final = "/sign"
HEADERS: Final = tuple(
    (name, value.replace("img-src 'self'", "img-src 'self' data:")) for name, value in LIKE
)
"""Those of the page that validates; pages of a document are in the page as pictures."""
_BEFORE: Final = LONGEST + 32 * 1024
"""Octets of a form within which it says who sends it."""
_LONGEST_WORDS: Final = 200
_POLICY: Final = ("policy", "policy_hash", "policy_digest", "policy_uri")


class SignPage:
    """The handlers. `folder` is where files are put aside while they arrive; they have no names there."""

    def __init__(
        self,
        agreements: Agreements,
        *,
        folder: Path,
        banners: Sequence[tuple[str, str]],
        version: str,
    ) -> None:
        self._agreements = agreements
        self._folder = folder
        self._values = {"banners": tuple(banners), "version": version, "inside": False}
        self._templates = environment("trustworks.app.web", language=agreements.words.language)
        self._begun = 0
        limits = agreements.desk.settings.limits
        self._most = limits.message * 3 // 4 - _BEFORE  # what is in base64 in the message to the process

    @property
    def routes(self) -> list[Route]:
        """The routes of the page."""
        most = self._most + _BEFORE
        return [
            Route(method="GET", path=PATH, handler=self.show),
            Route(method="POST", path=f"{PATH}/read", streamed=self.read, max_body=most),
            Route(method="POST", path=f"{PATH}/agree", streamed=self.agree, max_body=most),
        ]

    async def show(self, request: RawRequest) -> RawResponse:
        """The form."""
        del request
        return self._form(200, "")

    async def read(self, request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        """The document as its signer gets it, and what he may choose."""
        return await self._taken(request, portions, "token", self._client, self._looked)

    async def agree(self, request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        """The signed file, and the agreement."""
        return await self._taken(request, portions, "ticket", self._agreements.holder, self._signed)

    async def _taken(
        self,
        request: RawRequest,
        portions: AsyncIterator[bytes],
        field: str,
        known: Callable[[str], object],
        do: Do,
    ) -> RawResponse:
        """Take a form in, whose first field says who sends it, and do what it asks for."""
        limits = self._agreements.desk.settings.limits
        try:
            check_private(secure=request.secure, lab=self._agreements.desk.lab)
            if is_full(self._begun, at_once=limits.at_once, waiting=limits.waiting):
                raise Unavailable(BUSY, "Many signatures are being made. Try again in a minute.")
            self._begun += 1
            try:
                content_type = request.headers.get("content-type", "")
                with Form(content_type, folder=self._folder, most=MOST_DOCUMENTS, longest=LONGEST) as form:
                    await form.read(admitted(form, portions, field, known, within=_BEFORE))
                    return await do(form, _files(form))
            finally:
                self._begun -= 1
        except BodyRefusedError as error:
            return self._form(error.status, error.sentence)
        except TrustworksError as error:
            return self._form(_status(error), str(error))

    def _client(self, token: str) -> ClientSettings:
        try:
            return self._agreements.desk.client(token)
        except Refused as error:
            raise Refused(
                error.requirement, "Nobody knows this token. Give that of a client of this service."
            ) from None

    async def _looked(self, form: Form, documents: list[Octets]) -> RawResponse:
        client = self._client(form.fields["token"])
        looked = await self._agreements.look(client, documents)
        return self._page("sign_agree.html", **self._choices(client, looked))

    def _choices(self, client: ClientSettings, looked: Looked) -> dict[str, Any]:
        stamped = self._agreements.desk.settings.time_stamp_url is not None
        seals = [
            {"name": name, **asdict(named(one.certificates[0]))}
            for name, one in self._agreements.desk.offered(client).items()
        ]
        alone = len(looked.views) == 1
        level = 2 if alone else 3
        views = [
            Inline(view=one, templates=self._templates, id=f"shown-{number}", level=level)
            for number, one in enumerate(looked.views, 1)
        ]
        return {
            "views": views,
            "objections": _objections(views),
            "ticket": looked.ticket,
            "seals": seals,
            "ways": ways_for([one.shown.kind for one in looked.views]),
            "levels": [one.value for one in Level] if stamped else [Level.B.value],
            "commitments": COMMITMENTS,
            "place": tuple(PLACE),
            "hashes": tuple(HASHES),
        }

    async def _signed(self, form: Form, documents: list[Octets]) -> RawResponse:
        fields = dict(form.fields)
        ticket = fields.pop("ticket")
        ticked = [value for key, value in fields.items() if key.partition("-")[0] == "tick"]
        said = {key: _words(fields, key) for key in ("reason", "role", *PLACE, *_POLICY)}
        choice = Choice(
            seal=fields.get("seal", ""),
            way=fields.get("format", ""),
            level=fields.get("level", ""),
            commitments=tuple(one for one in COMMITMENTS if f"commitment-{one}" in fields),
            **said,
        )
        done = await self._agreements.agree(ticket, documents, choice, ticked)
        return self._page("sign_done.html", **_links(done))

    def _form(self, status: int, wrong: str) -> RawResponse:
        headers = (("retry-after", "30"),) if status == 503 else ()
        megabytes = self._most // (1024 * 1024)
        return self._page(
            "sign.html", *headers, status=status, wrong=wrong, megabytes=megabytes, most=MOST_DOCUMENTS
        )

    def _page(
        self, template: str, *headers: tuple[str, str], status: int = 200, **values: Any
    ) -> RawResponse:
        text = self._templates.get_template(template).render(**self._values, **values)
        return RawResponse(status, HTML, text.encode(), (*HEADERS, *headers))


def _files(form: Form) -> list[Octets]:
    """The files with their names."""
    return [Octets(octets(one), one.name or "document") for one in form.files("file")]


def _objections(views: Sequence[Inline]) -> dict[str, list[tuple[str, Finding]]]:
    """What has to be ticked, by the code of the finding: where, by names, and what; nothing twice."""
    alone = len(views) == 1
    found: dict[str, list[tuple[str, Finding]]] = {}
    for outer in views:
        first = () if alone else (outer.shown.name,)
        for names, view in outer.view.with_all_inside():
            for one in view.shown.objections:
                told = (" / ".join((*first, *names)), one)
                if told not in found.setdefault(one.code, []):
                    found[one.code].append(told)
    return found


def _words(fields: Mapping[str, str], name: str) -> str:
    found = fields.get(name, "")
    if len(found) > _LONGEST_WORDS or not found.isprintable():
        raise Malformed(f"The {name} has to be one line of at most {_LONGEST_WORDS} characters.")
    return found


def _links(done: Done) -> dict[str, Any]:
    def link(kind: str, octets: bytes) -> str:
        return f"data:{kind};base64,{base64.b64encode(octets).decode('ascii')}"

    return {
        "name": done.name,
        "level": done.level,
        "beside": done.beside,
        "content": link("application/octet-stream", done.content),
        "agreement": link("application/json", done.agreement),
        "proof": link("application/jose+json", done.proof),
    }


def _status(error: TrustworksError) -> int:
    match error:
        case Malformed():
            return 400
        case Rejected(code=code):
            return 413 if code == TOO_MUCH else 422
        case Refused(requirement=requirement) if requirement in QUOTAS:
            return 429
        case Refused(requirement=requirement):
            return 401 if requirement == "TRUSTWORKS:SIGNING-CLIENT" else 403
        case Unavailable():
            return 503
        case _:
            raise error
