"""An OCSP request in the path of a GET, in all the spellings that clients and proxies have."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trustworks.core.errors import Malformed
from trustworks.issuance.http.status import request_in_path

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.mark.req("RFC6960:A.1-01")
@pytest.mark.parametrize("raw", [b"/ocsp/", b"/ocsp/%", b"/ocsp/!!!", b"/ocsp/MA%3D%3D%3Dx", b"/other/MAA="])
def test_a_path_without_base64_is_malformed(raw: bytes) -> None:
    try:
        found = request_in_path(raw)
    except Malformed:
        return
    assert found == b""


SPELLINGS: dict[str, Callable[[str], str]] = {
    "as the standard says": lambda text: quote(text, safe=""),
    "not encoded": lambda text: text,
    "encoded twice": lambda text: quote(quote(text, safe=""), safe=""),
    "slashes left": lambda text: quote(text, safe="/"),
    "plus as space": lambda text: text.replace("+", "%20"),
    "second slash": lambda text: "/" + quote(text, safe=""),
    "without padding": lambda text: quote(text.rstrip("="), safe=""),
    "alphabet of URLs": lambda text: text.replace("+", "-").replace("/", "_"),
    "line breaks": lambda text: quote(text[:20] + "\r\n" + text[20:], safe=""),
    "with a query": lambda text: quote(text, safe="") + "?cache=no",
}


@pytest.mark.req("RFC6960:A.1-01")
@pytest.mark.parametrize("spelling", list(SPELLINGS))
@given(body=st.binary(min_size=15, max_size=120).map(lambda octets: b"\x30\x76" + octets))
def test_all_spellings_of_a_get_are_read(spelling: str, body: bytes) -> None:
    path = "/ocsp/" + SPELLINGS[spelling](base64.b64encode(body).decode())
    assert request_in_path(path.encode()) == body
