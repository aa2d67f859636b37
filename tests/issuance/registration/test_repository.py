"""Subjects' certificates for the public: with consent on record, and not one other."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from registration_testbed import ask, seen

from trustworks.core.http import RawRequest, RawResponse
from trustworks.issuance.http.repository import routes
from trustworks.issuance.registration.repository import Repository

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.issuance.registration.service import Registration

# The databases differ for applications (test_service.py); here one is enough.
pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def issued(desk: Registration, *, consent: bool | None) -> str:
    identifier = desk.submit(ask(consent=consent), by="ra-desk").id
    seen(desk, identifier)
    serial = desk.approve(identifier, by="olga", reason="Seen in person.").serial
    assert serial is not None
    return serial


@pytest.mark.req("EN319411-1:DIS-6.1-01B")
def test_what_a_subject_agreed_to_is_given_out_and_nothing_else(
    desk: Registration, provider: Provider
) -> None:
    (route,) = routes(Repository(provider.database))
    assert (route.method, route.path) == ("GET", "/repository/")

    def get(path: str) -> tuple[int, bytes]:
        request = RawRequest(
            method="GET", path=f"/repository/{path}", raw_path=path.encode(), headers={}, body=b""
        )

        async def ask_it() -> RawResponse:
            return await route.handler(request)

        answer = asyncio.run(ask_it())
        return answer.status, answer.body

    agreed, refused, unasked = (issued(desk, consent=one) for one in (True, False, None))
    status, der = get(f"issuing/{agreed}.cer")
    assert status == 200
    assert f"{x509.load_der_x509_certificate(der).serial_number:040x}" == agreed
    others = (
        f"issuing/{refused}.cer",
        f"issuing/{unasked}.cer",
        f"root/{agreed}.cer",
        f"issuing/{agreed}.pem",
        f"issuing/{agreed.upper()}.cer",
        f"issuing/{provider.issuance.authority('issuing').serial}.cer",
        f"issuing/{'0' * 40}.cer",
        "issuing/",
        "",
    )
    assert {get(path)[0] for path in others} == {404}
    assert len({get(path)[1] for path in others}) == 1  # nobody learns which of them there are
