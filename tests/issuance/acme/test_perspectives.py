"""Other places in the network: how many must see a domain alike; what one of them does for whom."""

from __future__ import annotations

import json
import os
import socket
import ssl
import subprocess
import sys
import threading
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from certificate_bench import SUBJECTS
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from issuance_testbed import START, PlacedClock, open_provider
from sqlalchemy import select
from typer.testing import CliRunner

from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes.tasks import perspectives
from trustworks.core.audit import records as audit_records
from trustworks.core.errors import Malformed, Refused, Unavailable
from trustworks.issuance.cli.perspective import app
from trustworks.issuance.config import CaaSettings, IssuanceSettings, PerspectiveSettings
from trustworks.issuance.enrolment.acme.model import Problem
from trustworks.issuance.enrolment.acme.validation.attempt import Proof
from trustworks.issuance.enrolment.caa import CaaRecord, asker
from trustworks.issuance.enrolment.perspectives import wire
from trustworks.issuance.enrolment.perspectives.client import RemotePerspective, pinned
from trustworks.issuance.enrolment.perspectives.corroboration import Corroboration, caa_elsewhere
from trustworks.issuance.enrolment.perspectives.server import Bounds, Looker, PerspectiveServer
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.rules.perspectives import (
    Sight,
    check_agreement,
    check_number,
    check_regions,
    is_undecided,
    least,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from acme_testbed import Acme

    from trustworks.core.module import Key
    from trustworks.core.store import Database

ONE = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)
DAY = date(2026, 11, 28)
TOKEN = "evaGxfADs6pSRb2LAv9IZf17Dt3juxGJ-PCt92wr-oA"
PROOF = Proof(type="dns-01", name="www.example.com", token=TOKEN, thumbprint="t" * 43)
OURS = CaaSettings(domains=("ca.example",))


def sights(*seen: str | bool) -> list[Sight]:
    return [
        Sight(f"p{n}", one if isinstance(one, str) else "RIPE", None if one else "no")
        for n, one in enumerate(seen)
    ]


# How many


@pytest.mark.req("CABF-BR:3.2.2.9", "TS119411-5:MPIC")
@pytest.mark.parametrize(
    ("yes", "no", "enough"),
    [
        (0, 0, True),
        (1, 0, True),
        (0, 1, False),
        (1, 1, True),
        (0, 2, False),
        (4, 1, True),
        (3, 2, False),
        (4, 2, True),
        (3, 3, False),
    ],
)
def test_so_many_places_must_agree(yes: int, no: int, enough: bool) -> None:
    seen = sights(*[True] * yes, *[False] * no)
    if enough:
        check_agreement(seen, "It")
        return
    with pytest.raises(Refused, match=f"{yes} of {yes + no}") as refused:
        check_agreement(seen, "It")
    assert refused.value.requirement == "CABF-BR:3.2.2.9"


@pytest.mark.req("CABF-BR:3.2.2.9-COUNT")
@pytest.mark.parametrize(
    ("day", "needed"),
    [
        (date(2026, 3, 14), 2),
        (date(2026, 3, 15), 3),
        (date(2026, 6, 15), 4),
        (date(2026, 12, 14), 4),
        (date(2026, 12, 15), 5),
    ],
)
def test_so_many_places_are_asked(day: date, needed: int) -> None:
    assert least(day) == needed
    check_number(needed, day)
    with pytest.raises(Unavailable, match=r"Add \[\[issuance.perspectives\]\]"):
        check_number(needed - 1, day)


@pytest.mark.req("CABF-BR:3.2.2.9-REGIONS")
def test_places_of_two_regions_must_agree() -> None:
    check_regions(sights("RIPE", "RIPE", "APNIC"), "It")
    for seen in (sights("RIPE", "RIPE"), [Sight("a", "RIPE"), Sight("b", "APNIC", "no")], []):
        with pytest.raises(Refused, match="two Internet registries") as refused:
            check_regions(seen, "It")
        assert refused.value.requirement == "CABF-BR:3.2.2.9-REGIONS"


def test_whether_those_that_did_not_answer_could_have_been_enough() -> None:
    ripe, arin = Sight("a", "RIPE"), Sight("b", "ARIN")
    away, saw = Sight("c", "ARIN", "away", reached=False), Sight("d", "ARIN", "no")
    for seen, undecided in (
        ([ripe, away, away], True),
        ([away, away], False),  # of one region, whatever they see
        ([ripe, saw, away], True),
        ([saw, saw, away], False),
        ([ripe, saw, saw], False),
        ([ripe, ripe, away], True),  # the other region may see it yet
        ([ripe, ripe, saw], False),
    ):
        assert is_undecided(seen, regions=True) is undecided, seen
    assert is_undecided([away], regions=False)
    assert not is_undecided([ripe, arin, saw, saw], regions=False)


class Place:
    """A perspective that sees what it is told, or fails; its records are of every domain."""

    def __init__(
        self, objection: str | Exception | None = None, region: str = "RIPE", issue: str = ""
    ) -> None:
        self.name = f"{region.lower()}-{id(self)}"
        self.region = region
        self._objection = objection
        self._issue = issue
        self.asked: list[Any] = []

    def look(self, proof: Proof) -> str | None:
        self.asked.append(proof)
        if isinstance(self._objection, Exception):
            raise self._objection
        return self._objection

    def caa(self, names: Sequence[str]) -> Place.Records:
        self.asked.append(names)
        if isinstance(self._objection, Exception):
            raise self._objection
        return self.Records([CaaRecord(0, "issue", self._issue)] if self._issue else [])

    class Records:
        def __init__(self, found: list[CaaRecord]) -> None:
            self._found = found

        def caa(self, _: str) -> list[CaaRecord]:
            return self._found


def test_outside_of_a_laboratory_too_few_places_are_told_before_any_is_asked() -> None:
    places = [Place(), Place(region="APNIC"), Place(region="ARIN")]
    with pytest.raises(Unavailable) as error:
        Corroboration(places, lab=False).control(PROOF, DAY)
    assert error.value.code == "perspectives.too-few"
    assert not any(one.asked for one in places)
    assert Corroboration(lab=True).control(PROOF, DAY) == ()


def test_one_of_four_may_fail_and_all_of_one_region_are_not_enough() -> None:
    four = [Place(), Place(RuntimeError("away")), Place(region="APNIC"), Place(region="ARIN")]
    seen = Corroboration(four, lab=False).control(PROOF, DAY)
    assert [one.objection for one in seen] == [None, "the perspective failed", None, None]
    with pytest.raises(Refused) as refused:
        Corroboration([Place() for _ in range(4)], lab=False).control(PROOF, DAY)
    assert refused.value.requirement == "CABF-BR:3.2.2.9-REGIONS"


def test_caa_counts_as_each_place_sees_it() -> None:
    places = [Place(), Place(issue="ca.example"), Place(issue="other.example"), Place(region="APNIC")]
    ask = caa_elsewhere(Corroboration(places, lab=False), OURS)
    seen = ask(["DNS:www.example.com", "email:a@example.com"], DAY)
    assert [one.objection is None for one in seen] == [True, True, False, True]
    assert places[0].asked == [["www.example.com", "example.com"]]
    assert ask(["IP:192.0.2.1"], DAY) == ()
    assert len(ask(["email:a@EXAMPLE.com", "email:b@example.com"], DAY)) == 4
    assert places[0].asked[-1] == ["example.com"]
    assert caa_elsewhere(Corroboration(lab=False), OURS)(["email:a@example.com"], DAY) == ()


def test_two_tables_of_one_place_are_refused() -> None:
    one = {
        "name": "tokyo",
        "address": "https://tokyo.example.com:8444",
        "region": "APNIC",
        "certificate": "tokyo.pem",
        "client-certificate": "our.pem",
        "client-key": "our.key",
    }
    for same in ("name", "address", "certificate"):
        other = {**one, "name": "lima", "address": "https://lima.example.com", "certificate": "lima.pem"}
        IssuanceSettings.model_validate({"perspectives": [one, other]})
        with pytest.raises(ValueError, match=f"the same {same}"):
            IssuanceSettings.model_validate({"perspectives": [one, {**other, same: one[same]}]})


# In the authority


@ONE
@pytest.mark.req("CABF-BR:3.2.2.9", "TS119411-5:MPIC")
def test_acme_validates_what_enough_places_see_and_records_each(acme: Acme) -> None:
    places = [Place(), Place("not there"), Place(RuntimeError("away"))]
    acme.perspectives = [*places]
    acme.configure(validation_attempts=1)
    _, order = acme.client().ready("www.example.com")
    assert order["status"] == "invalid"
    assert "1 of 3" in order["error"]["detail"]
    assert [len(one.asked) for one in places] == [1, 1, 1]
    told = events(acme.provider.database, "acme.authorization-invalid")[-1]["perspectives"]
    assert [one["sees"] for one in told] == [True, False, False]
    acme.perspectives = [Place(), Place(), Place(RuntimeError("away"))]
    acme.configure(validation_attempts=1)
    _, order = acme.client().ready("www.example.com")
    assert order["status"] == "ready"
    told = events(acme.provider.database, "acme.authorization-valid")[-1]["perspectives"]
    assert [one["sees"] for one in told] == [True, True, False]


@ONE
@pytest.mark.req("CABF-BR:3.2.2.9")
def test_acme_issues_for_domains_whose_caa_enough_places_see(acme: Acme) -> None:
    acme.perspectives = [Place(), Place(issue="other.example"), Place(issue="other.example")]
    acme.configure()
    client = acme.client()
    _, order = client.ready("www.example.com")
    answer = client.finalize(order)
    assert (answer.status, answer.type) == (403, "caa")
    told = events(acme.provider.database, "acme.order-not-corroborated")[-1]
    assert told["rule"] == "CABF-BR:3.2.2.9"
    assert [one["sees"] for one in told["perspectives"]] == [True, False, False]
    acme.perspectives[2] = Place(issue="ca.example")
    acme.configure()
    client.wire = acme.wire
    assert client.finalize(order).status == 200
    assert len(events(acme.provider.database, "acme.order-finalized")[-1]["perspectives"]) == 3


@pytest.mark.req("CABF-BR:3.2.2.9")
def test_a_qwac_is_issued_when_enough_places_see_its_caa(
    database: Database, root_key: Key, issuing_key: Key
) -> None:
    places = [Place(), Place(issue="other.example"), Place(region="APNIC", issue="other.example")]
    elsewhere = caa_elsewhere(Corroboration(places, lab=True), OURS)
    with open_provider(
        database, root_key, issuing_key, caa=asker(OURS, Place.Records([])), caa_elsewhere=elsewhere
    ) as provider:
        provider.issuance.create_root(root_key, by="ceremony")
        provider.issuance.create_issuing(issuing_key, by="ceremony")
        subject = {**SUBJECTS["qncp-w-gen-legal"], "commonName": "www.example.com"}
        request = provider.request(
            "qncp-w-gen-legal",
            subject=tuple(NameAttribute(*item) for item in subject.items()),
            alternative_names=("DNS:www.example.com",),
        )
        signed = len(provider.key.signed)
        with pytest.raises(Refused, match="1 of 3"):
            provider.issuance.issue(request)
        assert len(provider.key.signed) == signed
        assert len(events(database, "certificate.caa")[-1]["perspectives"]) == 3
        places[1]._issue = "ca.example"
        assert provider.issuance.issue(request).certificate
        told = events(database, "certificate.caa")[-1]["perspectives"]
        assert [one["sees"] for one in told] == [True, True, False]


def events(database: Database, type_: str) -> list[dict[str, Any]]:
    with database.read() as connection:
        bodies = connection.execute(
            select(audit_records.events.c.body)
            .where(audit_records.events.c.type == type_)
            .order_by(audit_records.events.c.sequence)
        ).scalars()
        return [json.loads(body)["detail"] for body in bodies]


# The other side of the line


class Names:
    """Names as the place elsewhere resolves them: one's address is private, one's CAA cannot be found out."""

    def addresses(self, name: str) -> Sequence[str]:
        if name.startswith("none."):
            raise Problem("dns", f"DNS has no address of {name}.")
        return ("10.0.0.1",)

    def texts(self, name: str) -> Sequence[bytes]:
        return [b"something else"] if name.endswith("example.com") else []

    def caa(self, name: str) -> Sequence[CaaRecord]:
        if name == "broken.example":
            raise Unavailable("caa.lookup", "No answer.")
        return [CaaRecord(0, "issue", "ca.example")] if name == "example.com" else []


def identity(folder: Path, name: str, *, ca: bool = False) -> tuple[Path, Path]:
    """A self-signed certificate and its key, as files."""
    key = ec.generate_private_key(ec.SECP256R1())
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    builder = (
        x509.CertificateBuilder()
        .subject_name(named)
        .issuer_name(named)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    certificate, private = folder / f"{name}.pem", folder / f"{name}.key"
    certificate.write_bytes(builder.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM))
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate, private


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("perspectives")
    for name in ("place", "authority", "stranger"):
        identity(folder, name)
    return folder


def place_at(
    port: int, folder: Path, *, client: str = "authority", place: str = "place"
) -> RemotePerspective:
    return RemotePerspective(
        PerspectiveSettings.model_validate(
            {
                "name": "tokyo",
                "address": f"https://127.0.0.1:{port}",
                "region": "APNIC",
                "certificate": str(folder / f"{place}.pem"),
                "client-certificate": str(folder / f"{client}.pem"),
                "client-key": str(folder / f"{client}.key"),
                "seconds": 10.0,
            }
        )
    )


@contextmanager
def serving(folder: Path) -> Iterator[int]:
    names = Names()
    context = pinned(
        ssl.Purpose.CLIENT_AUTH,
        [folder / "authority.pem"],
        own=folder / "place.pem",
        key=folder / "place.key",
    )
    looker = Looker(Bounds(), names=names, records=names)
    with PerspectiveServer(("127.0.0.1", 0), looker, context) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def test_a_place_looks_at_challenges_and_caa_for_its_authority(people: Path) -> None:
    with serving(people) as port:
        place = place_at(port, people)
        assert "None of the 1 TXT records" in (place.look(PROOF) or "")
        private = Proof(type="http-01", name="www.example.com", token=TOKEN, thumbprint="t" * 43)
        assert "no public address" in (place.look(private) or "")
        found = place.caa(["www.example.com", "www.broken.example"])
        assert found.caa("www.example.com") == ()
        assert found.caa("example.com") == (CaaRecord(0, "issue", "ca.example"),)
        with pytest.raises(Unavailable):
            found.caa("broken.example")


def test_who_does_not_answer_is_known_before_a_domain_is_looked_at(people: Path) -> None:
    with serving(people) as port:
        here, away = place_at(port, people), place_at(port, people, client="stranger")
        assert [one.objection for one in Corroboration([here], lab=True).answering()] == [None]
        both = Corroboration([here, away], lab=True)
        seen = both.answering()
        assert [one.objection is None for one in seen] == [True, False]
        both.check_answering(seen, DAY)
        alone = Corroboration([away], lab=True)
        with pytest.raises(Refused):
            alone.check_answering(alone.answering(), DAY)
        task = SimpleNamespace(issuance_settings=SimpleNamespace(perspectives=[away.settings]), lab=True)
        wiring: Any = task
        with ExitStack() as stack:
            told = perspectives(wiring, stack)()
        assert isinstance(told, TaskState)
        assert told.code == "perspectives.away"
        assert "0 of 1 perspectives answer. tokyo: The perspective tokyo at" in told.sentence
        task.issuance_settings = SimpleNamespace(perspectives=[here.settings])
        with ExitStack() as stack:
            assert perspectives(wiring, stack)() == "1 of 1 perspectives answer."
    assert Corroboration(lab=True).answering() == ()
    with pytest.raises(Unavailable, match="Add"):
        Corroboration(lab=False).check_answering((), DAY)


def test_a_place_answers_no_stranger_and_is_believed_by_its_certificate_alone(people: Path) -> None:
    with serving(people) as port:
        with pytest.raises(Unavailable) as error:
            place_at(port, people, client="stranger").look(PROOF)
        assert error.value.code == "perspectives.away"
        with pytest.raises(Unavailable):
            place_at(port, people, place="stranger").look(PROOF)
        with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
            plain.sendall(b"POST /caa HTTP/1.0\r\ncontent-length: 2\r\n\r\n{}")
            got = b""
            with suppress(ConnectionResetError):
                got = plain.recv(1000)
            assert b"HTTP" not in got
        assert place_at(port, people).look(PROOF)  # who may ask still can


@pytest.mark.req("TRUSTWORKS:PERSPECTIVE-PINNED")
def test_an_authoritys_certificate_lets_nobody_in(tmp_path: Path) -> None:
    certificate, key = identity(tmp_path, "ca", ca=True)
    with pytest.raises(Malformed, match="an authority's certificate"):
        pinned(ssl.Purpose.CLIENT_AUTH, [certificate], own=certificate, key=key)
    key.chmod(0o644)
    certificate, _ = identity(tmp_path, "leaf")
    with pytest.raises(Unavailable, match="chmod 600"):
        pinned(ssl.Purpose.CLIENT_AUTH, [certificate], own=certificate, key=key)


@pytest.mark.parametrize(
    ("model", "body"),
    [
        (wire.CaaQuestion, b"{}"),
        (wire.CaaQuestion, b'{"names": []}'),
        (wire.CaaQuestion, b'{"names": ["a b"]}'),
        (wire.CaaQuestion, json.dumps({"names": ["a.example"] * 101}).encode()),
        (wire.CaaQuestion, b"\xff"),
        *(
            (wire.ControlQuestion, json.dumps({**good, **bad}).encode())
            for good in [{"type": "http-01", "name": "a.example", "token": TOKEN, "thumbprint": "t"}]
            for bad in (
                {"token": "../../../admin/delete"},
                {"token": "short"},
                {"name": "a.example/x"},
                {"name": "a.example:8080"},
                {"name": "user@a.example"},
                {"name": "*.a.example"},
                {"type": "http"},
                {"url": "https://a.example"},
            )
        ),
    ],
)
def test_nothing_else_can_be_asked_of_a_place(model: type[Any], body: bytes) -> None:
    with pytest.raises(Malformed, match="no message between perspectives"):
        wire.read(model, body)


def test_a_bad_question_is_answered_400_and_another_path_404(people: Path) -> None:
    import httpx  # noqa: PLC0415

    context = pinned(
        ssl.Purpose.SERVER_AUTH,
        [people / "place.pem"],
        own=people / "authority.pem",
        key=people / "authority.key",
    )
    with serving(people) as port, httpx.Client(verify=context, trust_env=False) as client:
        origin = f"https://127.0.0.1:{port}"
        assert client.post(f"{origin}/caa", content=b"{}").status_code == 400
        assert client.post(f"{origin}/fetch", content=b"{}").status_code == 404


@pytest.mark.req("CABF-BR:3.2.2.9")
def test_the_program_serves_and_sees_a_file(people: Path) -> None:
    """The whole way: `trustworks perspective serve` as a process, a web server, and the client."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer  # noqa: PLC0415

    shown = f"{TOKEN}.{'t' * 43}".encode()

    class Web(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("content-length", str(len(shown)))
            self.end_headers()
            self.wfile.write(shown)

        def log_message(self, *_: object) -> None:
            """Print nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Web) as web:
        thread = threading.Thread(target=web.serve_forever, daemon=True)
        thread.start()
        command = [sys.executable, "-m", "trustworks", "perspective", "serve", "--listen", "127.0.0.1:0"]
        command += ["--certificate", str(people / "place.pem"), "--key", str(people / "place.key")]
        command += ["--client", str(people / "authority.pem"), "--allow-private-addresses"]
        command += ["--http-port", str(web.server_address[1]), "--resolver", "127.0.0.1:9"]
        environment = {**os.environ, "PYTHONUNBUFFERED": "1"}
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
            try:
                assert process.stdout is not None
                line = process.stdout.readline()
                port = int(line.partition("127.0.0.1:")[2].partition(";")[0])
                place = place_at(port, people)
                here = Proof(type="http-01", name="www.localhost", token=TOKEN, thumbprint="t" * 43)
                assert place.look(here) is None
                other = Proof(type="http-01", name="www.localhost", token=TOKEN, thumbprint="u" * 43)
                assert "does not hold" in (place.look(other) or "")
            finally:
                process.terminate()
        web.shutdown()
        thread.join()


def commands(folder: Path, *given: str) -> list[str]:
    own = ["--certificate", str(folder / "place.pem"), "--key", str(folder / "place.key")]
    return ["serve", *own, "--client", str(folder / "authority.pem"), *given]


@pytest.mark.parametrize(
    ("given", "family", "sentence"),
    [
        (["--listen", "8444"], Malformed, "HOST:PORT"),
        (["--listen", "127.0.0.1:x"], Malformed, "HOST:PORT"),
        (["--listen", "127.0.0.1:0", "--resolver", "dns.example"], Malformed, "ADDRESS:PORT"),
        (["--listen", "192.0.2.1:8444", "--resolver", "127.0.0.1:9"], Unavailable, "Nothing can listen"),
    ],
)
def test_what_cannot_be_served_is_told_in_a_sentence(
    people: Path, given: list[str], family: type[Exception], sentence: str
) -> None:
    with pytest.raises(family, match=sentence):
        app(commands(people, *given), standalone_mode=False)


class Wiring:
    """A laboratory with one place, or another provider."""

    def __init__(self, table: dict[str, Any] | None, *, lab: bool = True) -> None:
        self.lab = lab
        tables = [] if table is None else [table]
        self.issuance_settings = IssuanceSettings.model_validate({"perspectives": tables})

    def open_clock(self) -> PlacedClock:
        return PlacedClock(START)


def test_check_says_what_each_place_sees(people: Path) -> None:
    with serving(people) as port:
        table = place_at(port, people).settings.model_dump(by_alias=True)
        good = CliRunner().invoke(app, ["check", "www.example.com"], obj=Wiring(table))
        assert (good.exit_code, "sees it" in good.output, "Enough." in good.output) == (0, True, True)
        bad = CliRunner().invoke(app, ["check", "www.broken.example", "--json"], obj=Wiring(table))
        told = json.loads(bad.output.splitlines()[-1])
        assert (bad.exit_code, told["enough"], told["perspectives"][0]["sees"]) == (1, False, False)
    none = CliRunner().invoke(app, ["check", "www.example.com"], obj=Wiring(None, lab=False))
    assert none.exit_code == 1
    assert "at least, and 0 are configured" in none.output
