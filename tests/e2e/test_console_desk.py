"""Officers in a real browser, without a mouse: request, officer, certificate, revocation, OCSP."""

from __future__ import annotations

import base64
import json
import re
import shlex
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import forked_program
import httpx
import pytest
from ceremony_plans import filled
from certificate_sources import cmvp_page
from chromium import Chromium, find_browser
from laboratory import Lab, openssl, until

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.e2e, pytest.mark.interop]

SECRET = "long and secret"
ROLES = {
    "anna": "security-officer",
    "ben": "security-officer,registration-officer",
    "carl": "system-administrator",
    "rita": "revocation-officer",
    "dora": "auditor",
}


class Desk:
    """A laboratory whose operators have keys that OpenSSL made, and a browser in front of each."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        self.applications: list[str] = []
        self.url = f"http://localhost:{lab.port}/console"

    def file(self, name: str) -> Path:
        return self.folder / name

    def enrol(self) -> None:
        for name in ROLES:
            openssl(
                "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-days", "365",
                "-keyout", self.file(f"{name}.key"), "-out", self.file(f"{name}.pem"),
                "-subj", f"/CN={name}", "-passout", f"pass:{SECRET}",
            )  # fmt: skip
        given = [f"--operator={name}:{roles}:{self.file(f'{name}.pem')}" for name, roles in ROLES.items()]
        self.run("roles", "bootstrap", *given, "--yes")
        self.run("roles", "operator", "describe", "ben", "--name", "Ben Beispiel", who="anna")

    def run(self, *arguments: object, who: str | None = None) -> Any:
        own = [] if who is None else ["--as", who, "--key", str(self.file(f"{who}.key"))]
        done = forked_program.run(
            "--config", self.lab.config, *arguments, *own, "--json", given=f"{SECRET}\n"
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    def application(self) -> str:
        """Somebody applies: a key of OpenSSL's, and the evidence that the desk took."""
        openssl(
            "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", "/",
            "-keyout", self.file("subject.key"), "-out", self.file("subject.csr"),
        )  # fmt: skip
        example = json.loads(self.tell("registration", "example"))
        for part in ("evidence", "device"):
            example[part]["established_on"] = f"{datetime.now(UTC):%Y-%m-%d}"
        for name in ("application", "evidence"):
            self.file(f"{name}.json").write_text(json.dumps(example[name]), encoding="utf-8")
        csr = self.file("subject.csr")
        made = self.run("registration", "submit", self.file("application.json"), "--csr", csr)
        self.run("registration", "evidence", made["id"], self.file("evidence.json"))
        example["device"]["key"] = made["key"]
        self.file("device.json").write_text(json.dumps(example["device"]), encoding="utf-8")
        self.run("registration", "device", "record", made["id"], self.file("device.json"))
        identifier: str = made["id"]
        return identifier

    def tell(self, *arguments: str) -> str:
        return forked_program.run("--config", self.lab.config, *arguments, check=True).stdout

    def register_passkey(self, browser: Chromium, name: str) -> None:
        """The first sign-in by a code, a passkey made, approved by two others, and out again."""
        code = self.run("roles", "console", who=name)["code"]
        browser.go(self.url)
        browser.tab_to("Code")
        browser.type(code)
        browser.follow("Sign in by code")
        browser.follow("credentials")
        browser.tab_to("What it is called")
        browser.type("phone")
        browser.tab_to("Make a passkey")
        browser.press("Enter")
        assert "waits for approvals" in browser.until("document.getElementById('answer').textContent")
        (waiting,) = self.run("roles", "change", "list")
        approve = ("roles", "approve", "roles.change", waiting["sha256"])
        self.run(*approve, "--role=security-officer", who="anna")
        self.run(*approve, "--role=system-administrator", who="carl")
        browser.follow("Sign out")

    def sign_in(self, browser: Chromium) -> None:
        browser.go(self.url)
        browser.tab_to("Sign in by passkey")
        browser.press("Enter")
        browser.until("document.querySelector('h1').innerText === 'Queue'")


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    lab = Lab(folder / "lab")
    lab.start()
    try:
        made = Desk(lab, folder)
        made.applications = [made.application() for _ in range(2)]
        made.enrol()
        yield made
    finally:
        lab.kill_everything()


@pytest.fixture
def program() -> str:
    found = find_browser()
    if found is None:
        pytest.skip("NOT TESTED, no Chromium: apt-get install chromium")
    return found


def heading(browser: Chromium) -> str:
    found: str = browser.run("document.querySelector('h1').innerText")
    return found


def ocsp(desk: Desk) -> str:
    return openssl(
        "ocsp", "-issuer", desk.lab.folder / "trust" / "chain.pem", "-cert", desk.file("subject.pem"),
        "-url", f"http://127.0.0.1:{desk.lab.port}/ocsp", "-CAfile", desk.lab.folder / "trust" / "root.pem",
    )  # fmt: skip


def approve_a_plan(desk: Desk, browser: Chromium) -> None:
    """The plan of a ceremony is read at the console, and approved by the passkey that signed in."""
    browser.follow("ceremonies")
    browser.tab_to("The plan (TOML)")
    browser.type(filled("root").replace('"anna"', '"ben"'))
    browser.follow("Read the plan")
    assert "0 of 2 approvals are there" in browser.run("document.body.innerText")
    browser.tab_to("Approve as security-officer, by passkey")
    browser.press("Enter")
    told = browser.until("document.getElementById('answer').textContent")
    assert told == "Approved. Still missing: 1 more approval of other roles.", told
    sha256 = browser.run("document.querySelector('form.approve').dataset.sha256")
    given = desk.run("roles", "approvals", "list", "ceremony.root", sha256)
    assert [one["content"]["operator"] for one in given["approvals"]] == ["ben"]


@pytest.mark.req("EN319411-1:REG-6.3.2-00B", "CENTS419261:SA1.1", "CENTS419261:IA1.1")
def test_a_request_becomes_a_certificate_and_is_revoked_by_keyboard_alone(
    desk: Desk, program: str, tmp_path: Path
) -> None:
    identifier = desk.applications[0]
    with Chromium(program, tmp_path / "ben") as browser:
        browser.add_authenticator()
        desk.register_passkey(browser, "ben")
        desk.sign_in(browser)
        browser.follow("Anna Muster TEST")
        assert "received" in heading(browser)
        shown = browser.run("document.querySelector('table.compare').innerText")
        assert shown.count("✓") == 5
        assert "✗" not in shown
        browser.tab_to("Reason")
        browser.type("Passport seen, the same person")
        browser.follow("Approve, and issue the certificate")
        assert "issued" in heading(browser)
        browser.follow(desk.run("registration", "show", identifier)["serial"][:8])
        assert "good" in heading(browser)
        certificate = browser.run("location.href")
        browser.run("fetch(document.querySelector('a[href$=\"certificate.pem\"]').href)"
                    ".then((one) => one.text()).then((one) => { window.pem = one; })")  # fmt: skip
        desk.file("subject.pem").write_text(browser.until("window.pem"), encoding="ascii")
        approve_a_plan(desk, browser)
        browser.go(certificate)
        # A registration officer revokes nothing: no form is there.
        assert browser.run("document.querySelector('form[action$=\"/revoke\"]') === null")
    assert ": good" in ocsp(desk)
    with Chromium(program, tmp_path / "rita") as browser:
        browser.add_authenticator()
        desk.register_passkey(browser, "rita")
        desk.sign_in(browser)
        browser.follow("search")
        browser.tab_to("Name, serial number")
        browser.type("Anna Muster")
        browser.follow("Find")
        browser.follow("Anna Muster")
        browser.tab_to("Reason")
        browser.type("k")
        browser.run("document.getElementById('why').value = 'keyCompromise'")
        browser.tab_to("How it was shown")
        browser.type("Called back at the known number")
        browser.follow("Revoke the certificate")
        assert "revoked" in heading(browser)
        assert "keyCompromise" in browser.run("document.querySelector('.next').innerText")
    told = until(lambda: (said := ocsp(desk)) and "revoked" in said and said, what="OCSP says revoked")
    assert "Reason: keyCompromise" in told


@pytest.mark.req("CENTS419261:SA1.1", "CENTS419261:M1.5")
def test_an_auditor_reads_everything_and_decides_nothing(desk: Desk, program: str, tmp_path: Path) -> None:
    identifier = desk.applications[1]
    wish = {"problem": "other", "details": "A page of yours has a certificate that my browser refuses."}
    assert httpx.post(f"http://127.0.0.1:{desk.lab.port}/report", json=wish).status_code == 202
    with Chromium(program, tmp_path) as browser:
        browser.go(desk.url)
        browser.tab_to("Code")
        browser.type(desk.run("roles", "console", who="dora")["code"])
        browser.follow("Sign in by code")
        assert "problem report" in browser.run("document.querySelector('main').innerText")
        browser.follow("Anna Muster TEST")
        assert "you may look" in browser.run("document.querySelector('main').innerText")
        assert browser.run("document.querySelectorAll('main form').length") == 0
        page = f"/console/applications/{identifier}"
        browser.run(
            f"fetch('{page}/approve', {{method: 'POST', body: new URLSearchParams("
            "{csrf: document.body.dataset.csrf, reason: 'because', seen: ''})}).then(async (one) => {"
            "window.told = [one.status, await one.text()]; })"
        )
        status, text = browser.until("window.told")
        assert (status, "CENTS419261:SA1.1" in text) == (403, True)
    assert desk.run("registration", "show", identifier)["state"] == "received"


WRITES = ("add", "bind", "change", "confirm", "import", "set")
SHOWN = ("", "/products/hsm-1", "/certificates", "/verdicts", "/evidence", "/rules")
PAGE = Path(__file__).resolve().parents[2] / "docs" / "assurance.md"


def steps_of_the_page() -> list[list[str]]:
    """The commands that docs/assurance.md has its reader type, without those whose output it shows."""
    text = PAGE.read_text(encoding="utf-8")
    text = re.sub(r"<!-- output: .*?<!-- end of output -->", "", text, flags=re.DOTALL)
    return [shlex.split(line)[1:] for line in re.findall(r"^\$ (trustworks .*)$", text, flags=re.MULTILINE)]


def follow_the_page(desk: Desk) -> None:
    """The documentation, word by word."""
    desk.file("9001.html").write_bytes(cmvp_page())
    for name in {word for words in steps_of_the_page() for word in words if word.endswith(".pdf")}:
        desk.file(name).write_bytes(f"%PDF-1.7 {name}".encode())
    own = ("--as", "carl", "--key", desk.file("carl.key"))
    for words in steps_of_the_page():
        done = forked_program.run(
            "--config", desk.lab.config, *words, *(own if {*words[1:3]} & {*WRITES} else ()),
            given=f"{SECRET}\n", cwd=desk.folder,
        )  # fmt: skip
        assert done.returncode == 0, (words, done.stdout, done.stderr)


def enter_by_code(desk: Desk, browser: Chromium, name: str) -> None:
    browser.go(desk.url)
    browser.tab_to("Code")
    browser.type(desk.run("roles", "console", who=name)["code"])
    browser.follow("Sign in by code")
    browser.follow("assurance")


def shown(browser: Chromium) -> str:
    found: str = browser.run("document.querySelector('main').innerText")
    return found


def enter_a_product_by_keyboard(browser: Chromium) -> None:
    browser.tab_to("Enter a product")
    browser.press("Enter")
    browser.tab_to("Its name in the register")
    browser.type("soft-1")
    browser.tab_to("What its vendor calls it")
    browser.type("SoftHSM v2 of this laboratory, with a long name that has to be broken somewhere")
    browser.run("document.getElementById('field-real').value = 'no'")
    browser.follow("Enter it")
    assert "A test module." in shown(browser)
    browser.tab_to("Bind it to a process")
    browser.press("Enter")
    browser.run("document.getElementById('process').value = 'timestamps/tsu_key_use'")
    browser.tab_to("sign")
    browser.press(" ")
    browser.follow("Bind it")
    assert "timestamps/tsu_key_use" in browser.run("document.getElementById('bindings').parentNode.innerText")


def import_a_download(browser: Chromium, file: Path) -> None:
    browser.follow("certificates")
    browser.tab_to("Where it was downloaded")
    browser.type("https://scheme.example/9001")
    node = browser.call("Runtime.evaluate", expression="document.getElementById('file')")["result"]
    browser.call("DOM.setFileInputFiles", files=[str(file)], objectId=node["objectId"])
    browser.follow("Import it")
    assert "1 certificate of the form cmvp-page" in shown(browser)


def judge_its_widths(browser: Chromium, name: str, folder: Path) -> None:
    """On a screen and on a phone nothing has to be scrolled to sideways, and no bar is without width."""
    for width in (1200, 390):
        browser.screenshot(folder / f"{name.rpartition('/')[2] or 'products'}-{width}.png", width=width)
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        browser.call("Emulation.setDeviceMetricsOverride", **size)
        wide = browser.run("document.documentElement.scrollWidth - window.innerWidth")
        assert wide <= 0, (name, width, wide)
        script = (
            "[...document.querySelectorAll('figure rect')].map((one) => one.getBoundingClientRect().width)"
        )
        assert all(one > 0 for one in browser.run(script)), (name, width)
        browser.call("Emulation.clearDeviceMetricsOverride")


def make_a_dossier_by_keyboard(desk: Desk, browser: Chromium, folder: Path) -> None:
    """Ordered, waited for and downloaded; what came is verified, and the log has each step."""
    browser.follow("dossier")
    browser.follow("Make a dossier")
    browser.screenshot(folder / "ordered-1200.png")
    assert "ordered by dora" in shown(browser)
    browser.until("document.querySelector('main').innerText.includes('Download dossier-')", seconds=120.0)
    judge_its_widths(browser, "/dossier-made", folder)
    script = """(async () => {
        const link = [...document.links].find((one) => one.innerText.startsWith("Download dossier-"));
        const octets = new Uint8Array(await (await fetch(link.href)).arrayBuffer());
        return btoa(Array.from(octets, (one) => String.fromCharCode(one)).join(""));
    })()"""
    file = desk.file("downloaded.asice")
    file.write_bytes(base64.b64decode(browser.run(script)))
    trust = str(desk.lab.folder / "trust" / "root.pem")
    told = desk.tell("dossier", "verify", str(file), "--trust", trust)
    assert "Every file is as it was sealed" in told
    for what in ("ordered", "exported", "downloaded"):
        lines = desk.tell("audit", "list", "--type", f"assurance.dossier-{what}", "--json").splitlines()
        assert [json.loads(one)["actor"] for one in lines][:1] == ["dora"], what


@pytest.mark.req(
    "CENTS419261:SA1.1", "TRUSTWORKS:ASSURANCE-VIEWS-LOGGED", "TRUSTWORKS:ASSURANCE-DOSSIER-ORDERED"
)
def test_the_register_and_its_forecast_are_kept_and_read_in_a_browser(
    desk: Desk, program: str, tmp_path: Path
) -> None:
    follow_the_page(desk)
    with Chromium(program, tmp_path / "profile") as browser:
        enter_by_code(desk, browser, "carl")
        enter_a_product_by_keyboard(browser)
        import_a_download(browser, desk.file("9001.html"))
        dossier = desk.folder / "dossier.asice"
        made = desk.run("assurance", "dossier", "--out", dossier, who="dora")
        for name in (*SHOWN, "/dossier", "/forecast"):
            browser.go(f"{desk.url}/assurance{name}")
            judge_its_widths(browser, name, tmp_path)
            if name == "/dossier":
                assert made["manifest"] in shown(browser).replace(" ", "")
        assert browser.run("document.querySelectorAll('figure svg[role=img]').length") >= 6
        # Narrow bars have letters for words: the page is asked for its width, not left to the window's.
        wide = {"width": 1200, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        browser.call("Emulation.setDeviceMetricsOverride", **wide)
        bars = "[...document.querySelectorAll('figure')].map((one) => one.innerText).join()"
        browser.until(f"{bars}.includes('insufficient')")
        assert "soft-1" in browser.run(bars)
        browser.call("Emulation.clearDeviceMetricsOverride")
        browser.follow("Sign out")
        enter_by_code(desk, browser, "dora")
        browser.follow("forecast")
        assert browser.run("document.querySelectorAll('main form[method=post]').length") == 0
        make_a_dossier_by_keyboard(desk, browser, tmp_path)
    seen = [
        json.loads(one)
        for one in desk.tell("audit", "list", "--type", "assurance.viewed", "--json").splitlines()
    ]
    assert {one["actor"] for one in seen} == {"dora"}
    assert {one["subject"]["page"] for one in seen} == {
        f"/console/assurance{name}" for name in ("", "/forecast", "/dossier")
    }
