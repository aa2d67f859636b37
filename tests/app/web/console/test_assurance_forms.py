"""What a system administrator enters at the console about products, and what is refused."""

from __future__ import annotations

import hashlib
import json
import re
from typing import TYPE_CHECKING, Any

import pytest
from assurance_testbed import FIPS, fill
from certificate_sources import cc_row, cmvp_page, table
from console_testbed import ask
from operators_testbed import ORIGIN

from trustworks.assurance.evidence import Item, Kind, Outcome
from trustworks.assurance.evidence import records as evidence
from trustworks.assurance.model import CheckKind
from trustworks.assurance.records import EntryKind
from trustworks.assurance.registered import facts_of, history_of
from trustworks.assurance.service import LARGEST_FILE

if TYPE_CHECKING:
    from console_testbed import Answer, Office, Visitor

    from trustworks.assurance.model import Facts

ROOT = "/console/assurance"
NEW = {"id": "hsm-9", "kind": "module", "name": "Imaginary HSM", "real_hardware": "yes"}

WRONG = (
    ("check", {"kind": "storage", "outcome": "passed"}, "Say who made the check"),
    ("check", {"kind": "storage", "persons": "p"}, "Choose whether"),
    ("check", {"kind": "x", "outcome": "passed", "persons": "p"}, "Choose one of: shipment"),
    ("check", {"kind": "storage", "outcome": "passed", "persons": "p", "on": "2026-02-30"}, "is no day"),
    ("check", {"kind": "storage", "outcome": "passed", "persons": "p", "on": "2099-01-01"}, "not come"),
    ("confirmation", {"kind": "identity", "certificate": FIPS}, "on which page"),
    ("confirmation", {"kind": "identity", "certificate": "cc:x", "page": "p. 1"}, "is not bound"),
    ("confirmation", {"kind": "evaluated-scope", "certificate": FIPS, "page": "1", "values": "fly"}, "fly"),
    ("binding", {"process": "certificates/none"}, "No rule set knows"),
    ("binding", {"process": ""}, "No rule set knows"),
    ("end", {"process": "certificates/ca_key_use"}, "Choose the process"),
    ("transfer", {"target": "nobody"}, "There is no product"),
    ("transfer", {"target": "soft", "equal": "maybe"}, "Choose yes, no"),
    ("headcount", {"act": "recovery", "persons": "-1"}, "0 or more"),
    ("headcount", {"act": "", "persons": "1"}, "Say what they may do"),
    ("change", {"name": ""}, "Say what its vendor calls it"),
    ("change", {"name": "x" * 600}, "is longer than"),
    ("change", {"name": "a\u202eb"}, "cannot be printed"),
    ("remove", {"reason": " "}, "Say why"),
)
REFUSED = ("not come", "is not bound", "fly", "No rule set knows")


def facts(office: Office) -> Facts:
    with office.provider.database.read() as connection:
        return facts_of(connection)


def upload(
    office: Office, visitor: Visitor, path: str, fields: dict[str, str], data: bytes | None, status: int
) -> Answer:
    """A form with a file, as a browser sends it: the token first, the file last."""
    parts = [
        f'--frontier\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    if data is not None:
        head = 'Content-Disposition: form-data; name="file"; filename="C:\\\\a folder\\\\given.html"'
        parts.append(f"--frontier\r\n{head}\r\nContent-Type: text/html\r\n\r\n".encode() + data + b"\r\n")
    answer = ask(
        office.shell,
        "POST",
        path,
        b"".join(parts) + b"--frontier--\r\n",
        cookie=visitor._cookie,
        origin=visitor.origin,
        content_type="multipart/form-data; boundary=frontier",
    )
    assert answer.status == status, answer.text
    return answer


def test_a_product_is_entered_changed_bound_and_retired(office: Office) -> None:
    carl = office.enter("carl")
    carl.submit(ROOT, f"{ROOT}/products", **NEW, firmware="1.0", taken_into_use="2026-10-01")
    page = f"{ROOT}/products/hsm-9"
    shown = carl.get(page)
    assert 'value="1.0"' in shown.body.decode()
    before = carl.fields(page, f"{page}/change")
    wish = {"name": "Imaginary HSM", "firmware": "1.1", "real_hardware": "yes"}
    assert "This makes another product of hsm-9" in carl.submit(page, f"{page}/change", 403, **wish).text
    carl.submit(page, f"{page}/change", **wish, correction="misread on the plate")
    assert "Firmware: 1.0 → 1.1" in carl.get(page).text
    # Who has the old page in front of him looks again.
    told = carl.send(f"{page}/change", 409, **before, name="Other", firmware="9").text
    assert "changed since you opened the page" in told
    process = "timestamps/tsu_key_use"
    wish = {"process": process, "function-sign": "yes", "algorithms": "P-384\r\nRSA-4096\r\n"}
    carl.submit(page, f"{page}/binding", **wish, voluntary="yes", since="2026-11-01")
    carl.submit(page, f"{page}/end", process=process, on="2026-12-31")
    (bound,) = facts(office).bindings
    assert (bound.functions, bound.algorithms) == (("sign",), ("P-384", "RSA-4096"))
    assert (bound.qualified, str(bound.since), str(bound.until)) == (False, "2026-11-01", "2026-12-31")
    assert "is bound to" in carl.submit(page, f"{page}/remove", 403, reason="by mistake").text
    carl.submit(page, f"{page}/retire", on="2027-01-01")
    (product,) = facts(office).products
    assert (product.firmware, str(product.retired), product.real_hardware) == ("1.1", "2027-01-01", True)
    with office.provider.database.read() as connection:
        versions = history_of(connection, EntryKind.PRODUCT, "hsm-9")
    assert {one.written_by for one in versions} == {"carl"}


def test_what_persons_state_is_entered_under_the_name_of_who_is_signed_in(office: Office) -> None:
    fill(office.provider.recorder, office.provider.clock.moment)
    carl, page = office.enter("carl"), f"{ROOT}/products/box-2"
    known = facts(office)
    carl.submit(
        page,
        f"{page}/check",
        kind="storage",
        outcome="passed",
        persons="p-1\np-2",
        seals="S-18",
        due="2027-11-01",
        note="A new seal.",
    )
    carl.submit(
        page,
        f"{page}/confirmation",
        kind="evaluated-scope",
        certificate=FIPS,
        page="policy, page 9",
        values="keygen\nsign",
        incomplete="yes",
    )
    carl.submit(page, f"{page}/transfer", target="module", equal="no", dual="yes", on="2026-11-02")
    carl.submit(page, f"{page}/headcount", act="recovery of keys", persons="2", allowed="2")
    now = facts(office)
    (check,) = set(now.checks) - set(known.checks)
    assert (check.kind, check.passed, check.persons) == (CheckKind.STORAGE, True, ("p-1", "p-2"))
    (confirmed,) = set(now.confirmations) - set(known.confirmations)
    assert (confirmed.by, confirmed.values, confirmed.complete) == ("carl", ("keygen", "sign"), False)
    (moved,) = set(now.transfers) - set(known.transfers)
    assert (moved.equal_protection, moved.allowed_by_certificates) == (False, None)
    assert (moved.dual_control, moved.checksum_matched) == (True, False)
    assert [(one.persons, one.allowed) for one in now.headcounts if one.product == "box-2"] == [(2, 2)]


def test_what_cannot_be_is_refused_in_words_and_nothing_is_written(office: Office) -> None:
    fill(office.provider.recorder, office.provider.clock.moment)
    carl, page, known = office.enter("carl"), f"{ROOT}/products/box-2", facts(office)
    token = carl.fields(page, f"{page}/change")
    for to, wrong, told in WRONG:
        status = 404 if told == "There is no product" else 403 if told in REFUSED else 400
        answer = carl.send(f"{page}/{to}", status, **{**token, **wrong})
        assert told in answer.text, (to, wrong)
        assert f'href="{page}"' in answer.body.decode()
    for identifier, told in (
        ("hsm 1", "no name of a product"),
        ("box-2", "There is a product"),
        ("", "no name"),
    ):
        assert told in carl.submit(ROOT, f"{ROOT}/products", 400, **{**NEW, "id": identifier}).text
    assert facts(office) == known


def test_a_download_is_imported_found_and_bound_with_its_file(office: Office) -> None:
    carl = office.enter("carl")
    carl.submit(ROOT, f"{ROOT}/products", **NEW)
    page = f"{ROOT}/certificates"
    told = {"source": "https://scheme.example/9001", "retrieved": "2026-11-20"}
    fields = carl.fields(page, f"{ROOT}/import")
    done = upload(office, carl, f"{ROOT}/import", {**fields, **told}, cmvp_page(), 200)
    assert "1 certificate of the form cmvp-page" in done.text
    assert "Imported: given.html" in done.text
    bad = table([cc_row(), cc_row(Assurance_Level="none <i>", Certification_Date="99/99/2025")])
    done = upload(office, carl, f"{ROOT}/import", {**fields, **told}, bad, 200)
    assert "1 problem, what is without one was imported" in done.text
    assert "line 3" in done.text
    assert FIPS in carl.get(f"{page}?q=k9").text
    assert "No import has" in carl.get(f"{page}?q=luna").text
    one = f"{ROOT}/certificate?id=fips%3A9001"
    assert "imported alone" in carl.get(one).text
    fields = carl.fields(one, f"{ROOT}/bind")
    wish = {**fields, "product": "hsm-9", "source": ""}
    refused = upload(office, carl, f"{ROOT}/bind", wish, b"<script>", 403).text
    assert "the product is Imaginary HSM. If it is the product" in refused
    why = {"although": "its vendor sells it under both names"}
    upload(office, carl, f"{ROOT}/bind", wish | why, b"<script>", 303)
    assert "Bound to hsm-9" in carl.get(one).text
    (bound,) = facts(office).certificates
    assert (bound.id, bound.file) == (FIPS, hashlib.sha256(b"<script>").hexdigest())
    kept = carl.get(f"{ROOT}/files/{bound.file}")
    assert kept.body == b"<script>"
    assert "attachment; filename*=UTF-8''given.html" in kept.headers["content-disposition"]
    assert "sandbox" in kept.headers["content-security-policy"]
    carl.get(f"{ROOT}/files/{'0' * 64}", 404)
    carl.get(f"{ROOT}/certificate?id=fips:1", 404)
    assert "Say why" in carl.submit(one, f"{ROOT}/unbind", 400, product="hsm-9").text
    carl.submit(one, f"{ROOT}/unbind", product="hsm-9", reason="of another version")
    assert "It is bound to no product." in carl.get(one).text


def test_a_document_is_kept_as_it_is(office: Office) -> None:
    carl = office.enter("carl")
    carl.submit(ROOT, f"{ROOT}/products", **NEW)
    page, data = f"{ROOT}/products/hsm-9", b"%PDF-1.7\x00\xff a document"
    fields = {
        **carl.fields(page, f"{ROOT}/document"),
        "kind": "risk-analysis",
        "title": "",
        "review": "2027-01-01",
    }
    upload(office, carl, f"{ROOT}/document", {**fields, "argued": "a\r\nb"}, data, 303)
    (kept,) = facts(office).documents
    assert (kept.title, kept.argued, str(kept.reviewed_until)) == ("given.html", ("a", "b"), "2027-01-01")
    assert carl.get(f"{ROOT}/files/{kept.sha256}").body == data
    for wrong, octets, status in (
        ({"product": "none"}, data, 404),
        ({"kind": "novel"}, data, 400),
        ({"written": "2026-99-01"}, data, 400),
        ({}, b"", 400),
        ({}, None, 400),
    ):
        upload(office, carl, f"{ROOT}/document", {**fields, **wrong}, octets, status)
    assert facts(office).documents == (kept,)


def test_no_file_is_taken_from_who_may_not_send_it_nor_one_that_is_too_long(office: Office) -> None:
    carl, dora = office.enter("carl"), office.enter("dora")
    carl.submit(ROOT, f"{ROOT}/products", **NEW)
    path, told = f"{ROOT}/import", {"source": "https://scheme.example"}
    fields = carl.fields(f"{ROOT}/certificates", path)
    assert "registered" in dora.get(f"{ROOT}/certificates").text.lower()
    mine = {"csrf": re.findall(r'data-csrf="([^"]+)"', dora.get(ROOT).body.decode())[0], **told}
    assert "CENTS419261:SA1.1" in upload(office, dora, path, mine, cmvp_page(), 403).text
    for forged in ({"csrf": "x", **told}, told, {**told, **fields}):  # the last: the token comes first
        status = 403 if forged.get("csrf") == "x" else 400 if "csrf" not in forged else 200
        upload(office, carl, path, forged, cmvp_page(), status)
    carl.origin = "https://evil.example"
    upload(office, carl, path, {**fields, **told}, cmvp_page(), 403)
    carl.origin = ORIGIN
    long = b"a" * (LARGEST_FILE + 100_000)
    assert "longer than" in upload(office, carl, path, {**fields, **told}, long, 413).text
    stranger = ask(
        office.shell, "POST", path, b"", origin=ORIGIN, content_type="multipart/form-data; boundary=x"
    )
    assert (stranger.status, stranger.headers["location"]) == (303, "/console/login")
    wrong = ask(
        office.shell, "POST", path, b"csrf=x", origin=ORIGIN, cookie=carl._cookie, content_type="text/plain"
    )
    assert wrong.status == 415


@pytest.mark.req("CENTS419261:SA1.1")
def test_an_auditor_changes_nothing_and_is_offered_nothing(office: Office) -> None:
    fill(office.provider.recorder, office.provider.clock.moment)
    dora, known = office.enter("dora"), facts(office)
    page = f"{ROOT}/products/box-2"
    token = dora.fields(page, "/console/logout")
    for path in (ROOT, page, f"{ROOT}/certificates", f"{ROOT}/certificate?id={FIPS}"):
        forms = re.findall(r'<form method="post" action="([^"]+)"', dora.get(path).body.decode())
        assert forms == ["/console/logout"]
    for to in (
        "change",
        "retire",
        "remove",
        "binding",
        "end",
        "check",
        "confirmation",
        "transfer",
        "headcount",
    ):
        dora.send(f"{page}/{to}", 403, **token, name="x", reason="x")
    dora.send(f"{ROOT}/products", 403, **token, **NEW)
    dora.send(f"{ROOT}/unbind", 403, **token, certificate=FIPS, product="box-2", reason="x")
    assert facts(office) == known


def test_programs_get_what_the_pages_show(office: Office) -> None:
    fill(office.provider.recorder, office.provider.clock.moment)
    dora = office.enter("dora")

    def read(path: str) -> Any:
        answer = dora.get(f"{ROOT}/{path}")
        assert answer.headers["content-type"] == "application/json"
        found = json.loads(answer.body)
        assert "no decision" in found["statement"]
        return found

    products = {one["id"]: one for one in read("products.json")["products"]}
    assert products["soft"]["verdicts"] == {"current": "insufficient", "guidance": "insufficient"}
    assert products["box-2"]["place"] == "Room 9"
    reports = read("verdicts.json?at=2031-01-01")["reports"]
    assert [(one["rule_set"], one["at"]) for one in reports] == [
        ("current", "2031-01-01"),
        ("guidance", "2031-01-01"),
    ]
    current, _ = read("forecast.json?product=module&until=2032-01-01")["forecasts"]
    assert {one["day"] for one in current["changes"]} == {"2031-01-01"}
    dora.get(f"{ROOT}/verdicts.json?at=x", 400)


def test_live_evidence_is_shown_with_findings_first(office: Office) -> None:
    dora = office.enter("dora")
    shown = dora.get(f"{ROOT}/evidence").text
    assert "Nothing was collected yet" in shown
    assert "never done" in shown
    now = office.provider.clock.moment
    well = Item(kind=Kind.CLOCK, subject="tsu-1", at=now, outcome=Outcome.OK, sentence="It is right.")
    told = "The <b>serial</b> differs."
    values = {"serial": "<2>"}
    wrong = Item(
        kind=Kind.IDENTITY, subject="token", at=now, outcome=Outcome.FINDING, sentence=told, values=values
    )
    with office.provider.database.begin() as connection:
        kept = [evidence.put(connection, one)[0] for one in (well, wrong)]
        evidence.add_round(connection, kept, at=now, by="jobs")
    shown = dora.get(f"{ROOT}/evidence").text
    assert shown.index("serial") < shown.index("It is right.")
    one = dora.get(f"{ROOT}/evidence/{kept[1].number}").body.decode()
    assert "&#34;serial&#34;: &#34;&lt;2&gt;&#34;" in one
    for absent in ("99", "0", "x", "9" * 30):
        dora.get(f"{ROOT}/evidence/{absent}", 404)
