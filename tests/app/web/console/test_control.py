"""The page on which control over domains and mailboxes is shown: drawn, looked for, mailed, given back."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

from registration_testbed import Letters, ask_for_mail, seen_for_mail

from trustworks.core.errors import Refused, Unavailable
from trustworks.issuance.rules.perspectives import NotCorroboratedError, Sight

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date

    from console_testbed import Office

ANNA = "anna@muster.example.com"
DOMAIN = "muster.example.com"
TOKYO = Sight("tokyo", "APNIC", "DNS has nothing there")
LIMA = Sight("lima", "LACNIC")


class Looking:
    """What is seen of names, as a test says."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str]] = []
        self.raises: Exception | None = None

    def check_ready(self, _: date) -> None:
        """Enough places are there; what else the console does waits for no look."""
        assert threading.current_thread().name.startswith("look_")

    def look(self, method: str, name: str, *, token: str, value: str, day: date) -> Sequence[Sight]:
        assert token != value
        assert day.year > 2000
        self.asked.append((method, name))
        if self.raises is not None:
            raise self.raises
        return (LIMA,)


def applied(office: Office) -> str:
    made = office.registration.submit(ask_for_mail(ANNA), by="ra-desk").id
    seen_for_mail(office.registration, made, ANNA)
    return f"/console/applications/{made}"


def test_who_only_reads_draws_and_mails_nothing(office: Office) -> None:
    page = applied(office)
    dora = office.enter("dora")
    shown = dora.get(f"{page}/control")
    assert "not seen" in shown.text
    assert b"<form" not in shown.body.partition(b"<main")[2]
    ben = office.enter("ben")
    token = ben.fields(f"{page}/control", f"{page}/control/draw")
    for action in ("draw", "look", "mail", "value"):
        dora.send(f"{page}/control/{action}", 403, **token)
        ben.send(f"{page}/control/{action}", 403)  # not by a form of ours
    application = office.registration.application(page.rpartition("/")[2])
    assert [one.drawn for one in office.registration.domains_of(application)] == [None]


def test_an_officer_draws_shows_looks_and_sees_what_each_place_saw(office: Office) -> None:
    page = f"{applied(office)}/control"
    ben, looking = office.enter("ben"), Looking()
    office.control = looking
    assert "Control over its names" in ben.get(page.removesuffix("/control")).text
    ben.submit(page, f"{page}/draw")
    shown = ben.get(page).text
    assert f"_trustworks-validation.{DOMAIN} with" in shown
    assert f"http://{DOMAIN}/.well-known/pki-validation/" in shown

    looking.raises = NotCorroboratedError(Refused("CABF-BR:3.2.2.9", "Seen from 1 of 2."), (TOKYO, LIMA))
    told = ben.submit(page, f"{page}/look", 200, method="dns").text
    assert "Seen from 1 of 2." in told
    assert "tokyo (APNIC): DNS has nothing there" in told
    assert "lima (LACNIC): sees it" in told
    assert looking.asked == [("dns", DOMAIN)]
    assert "Choose dns, http, or both" in ben.submit(page, f"{page}/look", 400, method="mail").text

    looking.raises = None
    told = ben.submit(page, f"{page}/look", 200, method="").text
    assert f"{DOMAIN} : control was seen by dns. lima (LACNIC): sees it" in told
    assert "shown by control over the domain" in ben.get(page).text
    assert "no rule stands against an approval" in ben.get(page.removesuffix("/control")).text


def test_an_officer_mails_and_takes_the_value_back(office: Office) -> None:
    page = f"{applied(office)}/control"
    ben, letters = office.enter("ben"), Letters()
    office.mailer = letters
    letters.away = Unavailable("registration.mail", "The mail server did not take the mail.")
    assert "did not take the mail" in ben.submit(page, f"{page}/mail", 200).text
    letters.away = None
    assert f"{ANNA} : mailed; its answer counts until" in ben.submit(page, f"{page}/mail", 200).text
    ((address, value),) = letters.values
    assert address == ANNA
    assert value.encode() not in ben.get(page).body  # the officer does not see it
    assert "This value is not good" in ben.submit(page, f"{page}/value", 403, value=value[:-1]).text
    ben.submit(page, f"{page}/value", value=value)
    assert "taken by ben" in ben.get(page).text
    application = office.registration.application(page.split("/")[-2])
    assert office.registration.review(application.id).may_be_approved
    office.registration.reject(application.id, by="ben", reason="No more.")
    assert "nothing is drawn, mailed or looked for" in ben.get(page).text
