"""What a browser sends to the page on which people sign, and what stands on the pages that come back."""

from __future__ import annotations

import base64
import html
import io
import re
import zipfile
from typing import TYPE_CHECKING, Final

from signing_desk import TOKEN, Office
from sqlalchemy import select

from trustworks.signing import records

if TYPE_CHECKING:
    from trustworks.core.http import RawResponse
    from trustworks.core.store import Database

BOUNDARY: Final = "x" * 30
FORM: Final = f"multipart/form-data; boundary={BOUNDARY}"
BIDI: Final = "pay 100 \u202e001\u202c\n".encode()


def body(fields: dict[str, str], *files: tuple[str, bytes]) -> bytes:
    parts = [
        f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, octets in files:
        head = f'--{BOUNDARY}\r\ncontent-disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + octets + b"\r\n")
    return b"".join(parts) + f"--{BOUNDARY}--\r\n".encode()


def look(office: Office, name: str, octets: bytes, token: str = TOKEN) -> RawResponse:
    return look_at(office, (name, octets), token=token)


def look_at(office: Office, *files: tuple[str, bytes], token: str = TOKEN) -> RawResponse:
    return office.ask("POST", "/sign/read", body({"token": token}, *files), FORM)


def ways(page: RawResponse) -> list[str]:
    """What the page offers as formats."""
    offered = re.findall(r'<select id="format".*?</select>', page.body.decode(), re.DOTALL)[0]
    return re.findall(r'value="([^"]+)"', offered)


def chosen(page: RawResponse, **changes: str | None) -> dict[str, str]:
    """What a person's browser would send from the page, with all ticked."""
    assert page.status == 200, page.body.decode()
    text = page.body.decode()
    given: dict[str, str | None] = {
        "ticket": re.findall(r'name="ticket" value="([^"]+)"', text)[0],
        "seal": "main",
        "format": ways(page)[0],
        "level": "B-B",
        "reason": "",
        "city": "Lisboa",
        "role": "director",
        "policy_hash": "sha256",
    }
    given |= dict(re.findall(r'name="(tick[0-9-]*)" value="([^"]+)"', text))
    return {name: value for name, value in (given | changes).items() if value is not None}


def agree(office: Office, fields: dict[str, str], name: str, octets: bytes) -> RawResponse:
    return agree_to(office, fields, (name, octets))


def agree_to(office: Office, fields: dict[str, str], *files: tuple[str, bytes]) -> RawResponse:
    return office.ask("POST", "/sign/agree", body(fields, *files), FORM)


def packed(**files: bytes) -> bytes:
    """A ZIP file; a name's underscores are dots."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, octets in files.items():
            archive.writestr(name.replace("_", "."), octets)
    return out.getvalue()


def links(page: RawResponse) -> dict[str, bytes]:
    text = page.body.decode()
    assert page.status == 200, text
    found = re.findall(r'class="(signed|agreement|proof)" download="[^"]+" href="data:[^,]+,([^"]+)"', text)
    return {name: base64.b64decode(html.unescape(octets)) for name, octets in found}


def said(page: RawResponse) -> str:
    found = re.findall(r'id="wrong"><strong>Not signed.</strong> (.*?)</p>', page.body.decode())
    return html.unescape(found[0])


def unsigned(office: Office, database: Database, page: RawResponse, status: int) -> str:
    """What is said where nothing is signed, and that nothing is recorded."""
    assert page.status == status, page.body.decode()
    assert [one["do"] for one in office.pool.asked].count("sealed") == 0
    with database.read() as connection:
        assert connection.execute(select(records.agreements)).all() == []
    return said(page)
