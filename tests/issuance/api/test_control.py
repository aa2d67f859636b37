"""Control over domains and mailboxes by the API."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING, Any

from api_testbed import csr_pem
from registration_testbed import Letters

from trustworks.core.roles.model import Act
from trustworks.issuance.enrolment.acme.validation.attempt import Attempts
from trustworks.issuance.enrolment.control import Control
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration
from trustworks.issuance.enrolment.perspectives.server import Bounds

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from api_testbed import Integrator

ANNA = "anna@muster.example.com"
MAIL = {
    "profile": "smime-individual",
    "kind": "natural",
    "subject": {"givenName": "Anna", "surname": "Muster", "commonName": "Anna Muster TEST"},
    "alternative_names": [f"email:{ANNA}"],
    "terms": "1",
}


class Names:
    """A resolver that knows some TXT records."""

    txt: dict[str, str]

    def addresses(self, _: str) -> Sequence[str]:
        return ("10.0.0.1",)

    def texts(self, name: str) -> Sequence[bytes]:
        return [value.encode() for record, value in self.txt.items() if record == name]


def apply(one: Integrator) -> str:
    told = one.done("POST", "applications", {**MAIL, "csr": csr_pem()}, status=201)
    return f"applications/{told['id']}"


def test_a_client_shows_control_over_a_domain(enrol: Callable[..., Integrator]) -> None:
    portal = enrol(profiles=["smime-individual"])
    portal.sign_in()
    path, names = apply(portal), Names()
    names.txt = {}
    attempt = Attempts(Bounds(), names).attempt
    where: set[str] = set()

    def control() -> Control:
        where.add(threading.current_thread().name.partition("_")[0])
        return Control(attempt, Corroboration(lab=True))

    portal.api.domain_control = control  # type: ignore[assignment]
    told = portal.done("POST", f"{path}/domains/check", {}, status=422)
    assert "Nothing that counts is drawn" in told["detail"]
    (wanted,) = portal.done("POST", f"{path}/domains/challenge", {})["domains"]
    assert wanted["name"] == "muster.example.com"
    assert wanted["http"]["url"].startswith("http://muster.example.com/.well-known/pki-validation/")
    (look,) = portal.done("POST", f"{path}/domains/check", {"method": "dns"})["domains"]
    assert look["method"] is None
    assert look["why"]
    names.txt[wanted["dns"]["record"]] = wanted["dns"]["value"]
    (look,) = portal.done("POST", f"{path}/domains/check", {})["domains"]
    assert look == {"name": "muster.example.com", "method": "dns", "why": None, "perspectives": []}
    told = portal.done("GET", path)
    assert "CABF-SMIME:3.2.2" not in [one["requirement"] for one in told["objections"]]
    portal.done("POST", f"{path}/domains/check", {"method": "mail"}, status=400)
    assert where == {"look"}  # the API's other threads wait for no look


def test_a_client_has_a_value_mailed_and_never_sees_it(enrol: Callable[..., Integrator]) -> None:
    portal = enrol(profiles=["smime-individual"])
    portal.sign_in()
    path, letters = apply(portal), Letters()
    told = portal.done("POST", f"{path}/mailboxes/challenge", {}, status=422)
    assert "[issuance.registration.mail]" in told["detail"]
    portal.api.mailer = lambda: letters  # type: ignore[assignment]
    (mailed,) = portal.done("POST", f"{path}/mailboxes/challenge", {})["mailboxes"]
    assert mailed["address"] == ANNA
    ((_, value),) = letters.values
    assert value not in str(mailed)
    told = portal.done("POST", f"{path}/mailboxes/confirm", {"value": value[:-1]}, status=422)
    assert told["type"] == "urn:trustworks:registration.mailbox-value"
    assert portal.done("POST", f"{path}/mailboxes/confirm", {"value": value}) == {"address": ANNA}
    told = portal.done("GET", path)
    assert "CABF-SMIME:3.2.2" not in [one["requirement"] for one in told["objections"]]


def test_only_who_may_register_for_the_profile_shows_control(enrol: Callable[..., Integrator]) -> None:
    portal = enrol(profiles=["smime-individual"])
    portal.sign_in()
    path = apply(portal)
    strangers = (
        enrol("shop", profiles=["tls-server"]),
        enrol("reader", acts=[Act.READ_RECORDS], profiles=["smime-individual"]),
    )
    bodies: dict[str, Any] = {
        "domains/challenge": {},
        "domains/check": {},
        "mailboxes/challenge": {},
        "mailboxes/confirm": {"value": "x"},
    }
    for stranger, status in zip(strangers, (404, 403), strict=True):
        stranger.sign_in()
        for operation, body in bodies.items():
            stranger.done("POST", f"{path}/{operation}", body, status=status)


def test_a_client_has_no_certificate_for_mail_issued_past_the_desk(enrol: Callable[..., Integrator]) -> None:
    portal = enrol(profiles=["smime-individual"])
    portal.sign_in()
    asked = {name: MAIL[name] for name in ("profile", "subject", "alternative_names")}
    told = portal.done("POST", "certificates", {**asked, "csr": csr_pem()}, status=403)
    assert told["type"] == "urn:trustworks:TRUSTWORKS:ISSUANCE-MAILBOX-VALIDATED"
