"""What a system administrator enters about products: their fields, what uses them, what persons state.

The register judges, writes the next version and its audit event; a page only says what was sent.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, Final

from trustworks.app.web.console.assurance import fields
from trustworks.app.web.console.assurance.products import FIELDS, PRODUCTS
from trustworks.app.web.console.assurance.room import Room
from trustworks.app.web.console.edge import Page
from trustworks.assurance import records
from trustworks.assurance.model import (
    Binding,
    Check,
    CheckKind,
    Confirmation,
    ConfirmationKind,
    Headcount,
    Product,
    ProductKind,
    Transfer,
)
from trustworks.assurance.records import EntryKind
from trustworks.assurance.rules import FUNCTIONS
from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles.model import Act

if TYPE_CHECKING:
    from trustworks.app.web.console.edge import Visit
    from trustworks.assurance.model import Entry
    from trustworks.core.http import RawResponse

_CHANGED: Final = "The entry was changed since you opened the page. Look at it again, and change it then."


class EnteringPages(Room):
    """The handlers of forms. The register decides."""

    def pages(self) -> list[Page]:
        """What the forms of a product's page send; each needs the act that its command needs."""
        posts = (
            ("change", self.change),
            ("retire", self.retire),
            ("remove", self.remove),
            ("binding", self.bind),
            ("end", self.end),
            ("check", self.check),
            ("confirmation", self.confirm),
            ("transfer", self.transfer),
            ("headcount", self.headcount),
        )
        return [
            Page(path=PRODUCTS, act=Act.CONFIGURE, answer=self.add, method="POST"),
            *(
                Page(path=f"{PRODUCTS}/{{}}/{name}", act=Act.CONFIGURE, answer=answer, method="POST")
                for name, answer in posts
            ),
        ]

    def _back(self, identifier: str) -> RawResponse:
        return self._edge.redirect(f"{PRODUCTS}/{identifier}")

    def _entered(self, visit: Visit, entry: Entry) -> RawResponse:
        self._register(visit).enter(entry)
        return self._back(visit.parts[0])

    # Products

    def add(self, visit: Visit) -> RawResponse:
        """Enter a product."""
        identifier = visit.field("id")
        with self._office.database.read() as connection:
            known = records.newest(connection, EntryKind.PRODUCT, identifier)
        if known is not None and known.content is not None:
            raise Malformed(f"There is a product {identifier!a:.80}. Change it on its own page.")
        kind = fields.choice(visit, "kind", ProductKind)
        self._register(visit).enter(Product(id=identifier, kind=kind, **_fields(visit)))
        return self._back(identifier)

    def change(self, visit: Visit) -> RawResponse:
        """Change what the register says of a product, if it still says what was shown."""
        (identifier,) = visit.parts
        with self._office.database.read() as connection:
            last = records.newest(connection, EntryKind.PRODUCT, identifier)
        if last is not None and str(last.number) != visit.field("version"):
            raise Rejected("console.changed", _CHANGED)
        correction = fields.one_line(visit, "correction")
        self._register(visit).amend_product(identifier, _fields(visit), correction=correction)
        return self._back(identifier)

    def retire(self, visit: Visit) -> RawResponse:
        """Say from which day on it is not used any more."""
        day = fields.day_or(visit, "on", self._today)
        self._register(visit).change_product(visit.parts[0], retired=day)
        return self._back(visit.parts[0])

    def remove(self, visit: Visit) -> RawResponse:
        """Take out a product that was entered by mistake."""
        reason = fields.one_line(visit, "reason")
        if not reason:
            raise Malformed("Say why it is taken out; that goes into the audit log.")
        self._register(visit).remove(EntryKind.PRODUCT, visit.parts[0], reason=reason[:500])
        return self._edge.redirect("/console/assurance")

    # What uses it

    def bind(self, visit: Visit) -> RawResponse:
        """Bind the product to a process, or say anew what the process uses of it."""
        service, _, process = visit.field("process").partition("/")
        return self._entered(
            visit,
            Binding(
                product=visit.parts[0],
                service=service,
                process=process,
                functions=tuple(one for one in FUNCTIONS if fields.ticked(visit, f"function-{one}")),
                algorithms=fields.lines(visit, "algorithms"),
                qualified=not fields.ticked(visit, "voluntary"),
                since=fields.day(visit, "since"),
            ),
        )

    def end(self, visit: Visit) -> RawResponse:
        """Say which is the last day on which a process uses it."""
        last = fields.day_or(visit, "on", self._today)
        found = next(
            (
                one
                for one in self._facts().bindings
                if one.product == visit.parts[0] and f"{one.service}/{one.process}" == visit.field("process")
            ),
            None,
        )
        if found is None:
            raise Malformed("Choose the process whose use of it ends.")
        return self._entered(visit, replace(found, until=last))

    # What persons state

    def check(self, visit: Visit) -> RawResponse:
        """Enter a check that persons made."""
        outcome = visit.field("outcome")
        if outcome not in {"passed", "failed"}:
            raise Malformed("Choose whether it was in order.")
        persons = fields.lines(visit, "persons")
        if not persons:
            raise Malformed("Say who made the check, by pseudonyms, one on a line.")
        return self._entered(
            visit,
            Check(
                product=visit.parts[0],
                kind=fields.choice(visit, "kind", CheckKind),
                on=fields.day_or(visit, "on", self._today),
                passed=outcome == "passed",
                persons=persons,
                seals=fields.lines(visit, "seals"),
                due=fields.day(visit, "due"),
                note=fields.one_line(visit, "note"),
            ),
        )

    def confirm(self, visit: Visit) -> RawResponse:
        """Enter what the operator has read in a certificate's documents."""
        page = fields.one_line(visit, "page")
        if not page:
            raise Malformed("Say in which document it stands, and on which page.")
        return self._entered(
            visit,
            Confirmation(
                product=visit.parts[0],
                certificate=visit.field("certificate"),
                kind=fields.choice(visit, "kind", ConfirmationKind),
                values=fields.lines(visit, "values"),
                by=visit.actor.name,
                on=fields.day_or(visit, "on", self._today),
                page=page,
                complete=not fields.ticked(visit, "incomplete"),
            ),
        )

    def transfer(self, visit: Visit) -> RawResponse:
        """Enter that a key went from this product to another, or into a backup."""
        backup = fields.ticked(visit, "backup")
        return self._entered(
            visit,
            Transfer(
                source=visit.parts[0],
                target=visit.field("target"),
                on=fields.day_or(visit, "on", self._today),
                equal_protection=fields.yes_or_no(visit, "equal"),
                allowed_by_certificates=fields.yes_or_no(visit, "allowed"),
                dual_control=fields.ticked(visit, "dual"),
                checksum_matched=fields.ticked(visit, "checksum"),
                backup=backup,
            ),
        )

    def headcount(self, visit: Visit) -> RawResponse:
        """Say how many persons may do something with it."""
        persons, act = fields.number(visit, "persons"), fields.one_line(visit, "act")
        if persons is None or not act:
            raise Malformed("Say what they may do, and how many they are.")
        return self._entered(
            visit,
            Headcount(
                product=visit.parts[0],
                act=act[:100],
                persons=persons,
                allowed=fields.number(visit, "allowed"),
                on=fields.day_or(visit, "on", self._today),
            ),
        )


def _fields(visit: Visit) -> dict[str, Any]:
    found: dict[str, Any] = {name: fields.one_line(visit, name) for name in FIELDS}
    if not found["name"]:
        raise Malformed("Say what its vendor calls it.")
    return found | {
        "real_hardware": fields.yes_or_no(visit, "real_hardware"),
        "taken_into_use": fields.day(visit, "taken_into_use"),
    }
