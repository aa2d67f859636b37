"""What schemes publish: imports, the catalogue that is searched, a certificate with its facts, kept files."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final, NamedTuple
from urllib.parse import quote

from trustworks.app.web.console.assurance import fields
from trustworks.app.web.console.assurance.products import PRODUCTS, shown
from trustworks.app.web.console.assurance.room import ROOT, Room
from trustworks.app.web.console.edge import Page, nothing_here
from trustworks.assurance import records
from trustworks.assurance.model import Certificate, Document, DocumentKind, FactName, value_text
from trustworks.assurance.records import EntryKind
from trustworks.assurance.registered import products_of
from trustworks.assurance.service import LARGEST_FILE
from trustworks.assurance.sources import merge
from trustworks.core.errors import Malformed
from trustworks.core.http import RawResponse
from trustworks.core.moments import read_moment
from trustworks.core.roles.model import Act

if TYPE_CHECKING:
    from collections.abc import Iterable
    from datetime import datetime

    from sqlalchemy import Connection

    from trustworks.app.web.console.edge import Visit

_MOST: Final = 50  # certificates of the catalogue on a page
_MOST_PROBLEMS: Final = 100
_LONGEST: Final = 200  # characters that are searched for
_TOLD: Final = (FactName.PRODUCT, FactName.STANDARD, FactName.OVERALL_LEVEL, FactName.EAL, FactName.STATUS)
_ALONE: Final = (
    ("content-security-policy", "default-src 'none'; frame-ancestors 'none'; sandbox"),
    ("cache-control", "no-store"),
)


class Line(NamedTuple):
    """A certificate of a list: its id, and what it is in short."""

    id: str
    told: str


class CertificatePages(Room):
    """The handlers. Importers read, the register writes."""

    def pages(self) -> list[Page]:
        """The pages, and the forms that come with files."""
        takes: dict[str, Any] = {
            "act": Act.CONFIGURE,
            "method": "POST",
            "file": "file",
            "largest": LARGEST_FILE,
        }
        return [
            self._page(f"{ROOT}/certificates", self.show_all),
            self._page(f"{ROOT}/certificate", self.show),
            self._page(f"{ROOT}/files/{{}}", self.hand_out),
            Page(path=f"{ROOT}/import", answer=self.take_in, **takes),
            Page(path=f"{ROOT}/bind", answer=self.bind, **takes),
            Page(path=f"{ROOT}/document", answer=self.document, **takes),
            Page(path=f"{ROOT}/unbind", act=Act.CONFIGURE, answer=self.unbind, method="POST"),
        ]

    def show_all(self, visit: Visit) -> RawResponse:
        """The registered certificates, and those of the catalogue that have all the words."""
        words = visit.query.get("q", "")[:_LONGEST]
        with self._office.database.read() as connection:
            registered = records.entries(connection, EntryKind.CERTIFICATE).values()
            found = records.find(connection, words.split(), most=_MOST) if words else []
            files = records.files(connection)
        return self._drawn(
            "certificates.html",
            visit,
            words=words,
            registered=[_line(one) for one in registered if isinstance(one, Certificate)],
            found=list({one.id: _line(one) for one in found}.values()),
            most=_MOST,
            files=files,
            megabytes=LARGEST_FILE // (1024 * 1024),
        )

    def show(self, visit: Visit) -> RawResponse:
        """A certificate with all that sources say of it, and where it can be bound."""
        identifier = visit.query.get("id", "")
        with self._office.database.read() as connection:
            found, is_registered = _certificate(connection, identifier)
            products = products_of(connection)
        if found is None:
            raise nothing_here()
        return self._drawn(
            "certificate.html",
            visit,
            one=shown(identifier, found, self._today),
            is_registered=is_registered,
            bound=[one for one in products.values() if identifier in one.certificates],
            products=[one for one in products.values() if identifier not in one.certificates],
            megabytes=LARGEST_FILE // (1024 * 1024),
        )

    def hand_out(self, visit: Visit) -> RawResponse:
        """A kept file as it came, to be saved and never opened by the browser."""
        with self._office.database.read() as connection:
            found = records.file(connection, visit.parts[0])
        if found is None:
            raise nothing_here()
        name = quote(found.name, safe="")
        disposition = ("content-disposition", f"attachment; filename*=UTF-8''{name}")
        return RawResponse(200, "application/octet-stream", found.content, (*_ALONE, disposition))

    # Forms with files

    def take_in(self, visit: Visit) -> RawResponse:
        """Import what a scheme publishes, and say what was in it."""
        name, data = _file(visit)
        source = fields.one_line(visit, "source")
        if not source:
            raise Malformed("Say where it was downloaded: the address of the page or list.")
        taken = self._register(visit).take_in(
            data, name=name, source=source, retrieved=self._moment(visit.field("retrieved"))
        )
        problems = taken.imported.problems
        return self._drawn(
            "imported.html",
            visit,
            called=name,
            taken=taken,
            certificates=[_line(one) for one in taken.imported.certificates[:_MOST]],
            problems=problems[:_MOST_PROBLEMS],
            left=max(0, len(problems) - _MOST_PROBLEMS),
        )

    def bind(self, visit: Visit) -> RawResponse:
        """Register a certificate of the catalogue and bind it to a product; its file is kept if it came."""
        register, kept, product = self._register(visit), None, visit.field("product")
        if not product:
            raise Malformed("Choose the product that it is of.")
        if visit.file is not None:
            name, data = visit.file
            source = fields.one_line(visit, "source") or "its owner"
            kept = register.keep(data, name=name, source=source, retrieved=self._office.now().utc)
        register.bind_certificate(
            visit.field("certificate"), product, file=kept, although=fields.one_line(visit, "although")
        )
        return self._edge.redirect(f"{PRODUCTS}/{product}")

    def unbind(self, visit: Visit) -> RawResponse:
        """Take a certificate from a product that it was bound to by mistake."""
        product = visit.field("product")
        if not product:
            raise Malformed("Choose the product that it is not of.")
        self._register(visit).unbind_certificate(
            visit.field("certificate"), product, reason=fields.one_line(visit, "reason")
        )
        return self._edge.redirect(f"{PRODUCTS}/{product}")

    def document(self, visit: Visit) -> RawResponse:
        """Keep a document about a product."""
        name, data = _file(visit)
        product, kind = visit.field("product"), fields.choice(visit, "kind", DocumentKind)
        written = fields.day_or(visit, "written", self._today)
        review = fields.day(visit, "review")
        with self._office.database.read() as connection:
            if product not in products_of(connection):
                raise nothing_here()
        register = self._register(visit)
        source = fields.one_line(visit, "source") or "the provider"
        kept = register.keep(data, name=name, source=source, retrieved=self._office.now().utc)
        register.enter(
            Document(
                product=product,
                kind=kind,
                title=fields.one_line(visit, "title") or name,
                sha256=kept,
                written=written,
                standard=fields.one_line(visit, "standard"),
                argued=fields.lines(visit, "argued"),
                open=fields.lines(visit, "open"),
                functions=fields.lines(visit, "functions"),
                version=fields.one_line(visit, "version"),
                reviewed_until=review,
            )
        )
        return self._edge.redirect(f"{PRODUCTS}/{product}")

    def _moment(self, text: str) -> datetime:
        now = self._office.now().utc
        found = read_moment(text) if text else now
        if found > now:
            raise Malformed(f"It cannot have been downloaded on {found:%Y-%m-%d}, which has not come.")
        return found


def _file(visit: Visit) -> tuple[str, bytes]:
    if visit.file is None or not visit.file[1]:
        raise Malformed("Choose the file, which must not be empty.")
    return visit.file


def _certificate(connection: Connection, identifier: str) -> tuple[Certificate | None, bool]:
    """As it is registered, else as imports have it."""
    known = records.newest(connection, EntryKind.CERTIFICATE, identifier)
    if known is not None and known.content is not None:
        return records.decode(Certificate, known.content), True
    return _merged(records.catalogued(connection, identifier)), False


def _merged(given: Iterable[Certificate]) -> Certificate | None:
    found = None
    for one in given:
        found = merge(found, one)
    return found


def _line(one: Certificate) -> Line:
    told = [value_text(fact.value) for name in _TOLD for fact in one.told(name)[:1]]
    return Line(one.id, ", ".join(told))
