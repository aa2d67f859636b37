"""The lists over HTTP, as others get them."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.web.trusted_list import drawer
from trustworks.core.http import RawRequest, RawResponse
from trustworks.issuance.http.trusted_list import routes

if TYPE_CHECKING:
    from trusted_list_house import House

pytestmark = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


def get(house: House, path: str, **headers: str) -> RawResponse:
    draw = drawer(organization="Trustworks TEST Provider", banners=(), version="1")
    (route,) = routes(house.provider.database, draw=draw)
    assert path.startswith(route.path)
    request = RawRequest(method="GET", path=path, raw_path=path.encode(), headers=headers, body=b"")

    async def answer() -> RawResponse:
        return await route.handler(request)

    return asyncio.run(answer())


@pytest.mark.req("TS119612:6.1", "TS119612:6.2.1.1")
def test_the_lists_in_force_are_had_with_their_digests(house: House) -> None:
    house.issue()
    for path, octets in zip(("/tl/XX", "/tl/lotl"), house.octets(), strict=True):
        found = get(house, f"{path}.xml")
        assert (found.status, found.content_type, found.body) == (
            200,
            "application/vnd.etsi.tsl+xml",
            octets,
        )
        assert dict(found.headers)["cache-control"] == "public, max-age=300"
        digest = get(house, f"{path}.sha2")
        assert digest.body == hashlib.sha256(octets).hexdigest().encode()
        again = get(house, f"{path}.xml", **{"if-none-match": dict(found.headers)["etag"]})
        assert (again.status, again.body) == (304, b"")


def test_a_new_list_takes_the_place_of_the_old_one(house: House) -> None:
    house.issue()
    before = get(house, "/tl/XX.xml").body
    house.provider.clock.advance(days=1)
    house.issue()
    assert get(house, "/tl/XX.xml").body == house.octets()[0] != before


def test_the_signers_certificate_is_had(house: House) -> None:
    house.issue()
    read = x509.load_pem_x509_certificate(get(house, "/tl/signer.pem").body)
    assert read.public_bytes(Encoding.DER) == house.lists.certificate()


@pytest.mark.parametrize("path", ["XX", "XX.pdf", "ZZ.xml", "lotl.xml.xml", "../XX.xml", "XX.xml/"])
def test_what_is_not_published_is_not_found(house: House, path: str) -> None:
    house.issue()
    assert get(house, f"/tl/{path}").status == 404


@pytest.mark.parametrize("path", ["XX.xml", "lotl.sha2", "signer.pem"])
def test_before_the_first_list_there_is_none(house: House, path: str) -> None:
    assert get(house, f"/tl/{path}").status == 404
    assert "No trusted list is published yet" in get(house, "/tl/").body.decode()


def test_the_page_tells_of_the_lists_and_their_services(house: House) -> None:
    house.issue()
    page = get(house, "/tl/").body.decode()
    for words in (
        "XX:Trustworks TEST trusted list",
        'href="/tl/XX.xml"',
        'href="/tl/lotl.sha2"',
        'href="/tl/signer.pem"',
        "Trustworks TEST OCSP responder",
        "nobody may rely on them",
    ):
        assert words in page
