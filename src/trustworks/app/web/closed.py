"""The routes of a service that is not open: each protocol's own answer for "not now"."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from trustworks.core.http import RawRequest, RawResponse, Route

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from trustworks.app.opening import Opening
    from trustworks.core.http import Handler
    from trustworks.timestamping.config import TimestampingSettings


def timestamping(
    settings: TimestampingSettings, *, count: Callable[[str, str], None] | None = None
) -> list[Route]:
    """Every request for a time-stamp is answered systemFailure (RFC 3161, 2.4.2)."""
    from trustworks.timestamping import wire  # noqa: PLC0415 - where the service is configured
    from trustworks.timestamping.http import QUERY, REPLY, UNNAMED  # noqa: PLC0415
    from trustworks.timestamping.model import PkiFailureInfo  # noqa: PLC0415
    from trustworks.timestamping.service import NO_SERVICE  # noqa: PLC0415

    failure = PkiFailureInfo.SYSTEM_FAILURE
    answer = RawResponse(200, REPLY, wire.encode_failure(failure, NO_SERVICE))
    names = [unit.name for unit in settings.units]
    paths = [("/tsa", names[0] if len(names) == 1 else UNNAMED), *((f"/tsa/{name}", name) for name in names)]
    return [
        Route(
            method="POST",
            path=path,
            handler=_always(answer, None if count is None else partial(count, name, failure.code)),
            content_types=(QUERY,),
            max_body=wire.MAX_REQUEST,
        )
        for path, name in paths
    ]


def status(opening: Opening[Any], *, count: Callable[[str], None] | None = None) -> list[Route]:
    """Every OCSP request is answered tryLater (RFC 6960, 2.3); lists and certificates are unavailable."""
    from trustworks.core.der.ocsp import ResponseStatus  # noqa: PLC0415 - where the service is configured
    from trustworks.issuance.http.status import MAX_REQUEST, OCSP_REQUEST, OCSP_RESPONSE  # noqa: PLC0415
    from trustworks.issuance.status.ocsp import FAILURES  # noqa: PLC0415

    answer = FAILURES[ResponseStatus.tryLater]
    later = _always(
        RawResponse(200, OCSP_RESPONSE, answer.der, (("cache-control", "no-store"),)),
        None if count is None else partial(count, answer.result),
    )
    unavailable = _unavailable(opening)
    return [
        Route(
            method="POST", path="/ocsp", handler=later, content_types=(OCSP_REQUEST,), max_body=MAX_REQUEST
        ),
        Route(method="GET", path="/ocsp/", handler=later),
        Route(method="GET", path="/crl/", handler=unavailable),
        Route(method="GET", path="/certs/", handler=unavailable),
    ]


def enrolment(opening: Opening[Any], protocols: tuple[str, ...]) -> list[Route]:
    """Every request of an enrolment protocol is answered 503 (RFC 9110, 15.6.4)."""
    unavailable = _unavailable(opening)
    paths = [path for name in protocols for path in (f"/{name}", f"/{name}/")]
    paths += ["/.well-known/est/"] if "est" in protocols else []
    return [
        Route(method=method, path=path, handler=unavailable) for path in paths for method in ("GET", "POST")
    ]


def public_form(opening: Opening[Any], path: str) -> list[Route]:
    """A page with a form for anybody is answered 503 (RFC 9110, 15.6.4)."""
    unavailable = _unavailable(opening)
    return [Route(method=method, path=path, handler=unavailable) for method in ("GET", "POST")]


def console(opening: Opening[Any]) -> list[Route]:
    """The operators' console is answered 503 (RFC 9110, 15.6.4)."""
    unavailable = _unavailable(opening)
    return [
        Route(method=method, path=path, handler=unavailable)
        for path in ("/console", "/console/")
        for method in ("GET", "POST")
    ]


def validation(opening: Opening[Any]) -> list[Route]:
    """Files are not validated now: 503 (RFC 9110, 15.6.4). No body is read."""
    unavailable = _unavailable(opening)

    async def later(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        del portions
        return await unavailable(request)

    return [
        Route(method="GET", path="/validation", handler=unavailable),
        Route(method="POST", path="/validation", streamed=later),
        Route(method="POST", path="/validation/ts119442", streamed=later),
    ]


def repository(opening: Opening[Any]) -> list[Route]:
    """Subjects' certificates are answered 503 (RFC 9110, 15.6.4)."""
    return [Route(method="GET", path="/repository/", handler=_unavailable(opening))]


def statements(opening: Opening[Any]) -> list[Route]:
    """Statements are answered 503 (RFC 9110, 15.6.4)."""
    return [Route(method="GET", path="/statements/", handler=_unavailable(opening))]


def trusted_lists(opening: Opening[Any]) -> list[Route]:
    """Trusted lists are answered 503 (RFC 9110, 15.6.4)."""
    return [Route(method="GET", path="/tl/", handler=_unavailable(opening))]


def signing(opening: Opening[Any], *, page: bool) -> list[Route]:
    """Nothing is signed now: 503, whoever asks. `page`: whether there is one on which people sign."""
    from trustworks.signing.http import PATHS  # noqa: PLC0415 - where the service is configured

    unavailable = _unavailable(opening)

    async def later(request: RawRequest, portions: AsyncIterator[bytes]) -> RawResponse:
        del portions
        return await unavailable(request)

    paths = (*PATHS, "/sign/read", "/sign/agree") if page else PATHS
    found = [Route(method="POST", path=path, streamed=later) for path in paths]
    return [*found, Route(method="GET", path="/sign", handler=unavailable)] if page else found


def _always(answer: RawResponse, count: Callable[[], None] | None) -> Handler:
    async def handle(request: RawRequest) -> RawResponse:
        del request
        if count is not None:
            count()
        return answer

    return handle


def _unavailable(opening: Opening[Any]) -> Handler:
    async def handle(request: RawRequest) -> RawResponse:
        del request
        opening.get()
        return RawResponse(503, "text/plain; charset=utf-8", b"The service is being opened. Try again.\n")

    return handle
