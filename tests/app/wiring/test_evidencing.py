"""Evidence about our own certificates comes out of this process, that about others from where they say."""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509 import ocsp
from evidence_graphs import NOW, crl, entity
from evidence_web import access, listed
from forked_program import run_script
from laboratory import Lab

from trustworks.app.wiring import Wiring
from trustworks.app.wiring.evidencing import evidence_by_options
from trustworks.app.wiring.own_status import OwnStatus, with_nonce
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.module import find_library
from trustworks.core.pki.tokens import Certificate
from trustworks.core.ports import ValidationData
from trustworks.formats.verification.validation_data import AtHand
from trustworks.validation import Context, Trust, validate_certificate
from trustworks.validation.gathering.fetching import FetchLimits
from trustworks.validation.gathering.memory import Memory
from trustworks.validation.gathering.questions import ocsp_request

if TYPE_CHECKING:
    from pathlib import Path

URL = "http://trust.example"


# A program of its own: other tests of this process hold the module open on other tokens. Nobody listens.
SCRIPT = """
import base64, json, sys
from datetime import UTC, datetime
from pathlib import Path
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from trustworks.app.wiring import Wiring
from trustworks.validation.gathering.fetching import Fetcher

asked = []
def ask(self, message, allowance):
    asked.append(message.url)
    raise AssertionError("the network was asked")
Fetcher._ask = ask
wiring = Wiring.lazy(Path(sys.argv[1]))
told = []
with wiring.open_database() as database, wiring.open_module("services") as module:
    status = wiring.status_services(module=module, database=database, clock=wiring.open_clock())
    source = wiring.evidence_source(policy=sys.argv[2], status=status)
    for file in sys.argv[3:]:
        leaf = x509.load_pem_x509_certificates(Path(file).read_bytes())[0].public_bytes(Encoding.DER)
        now = datetime.now(UTC)
        data = source.evidence_of(leaf, now, since=now, time_stamp="tsu" in Path(file).name)
        kinds = data.certificates, data.lists, data.answers
        told.append([now.isoformat(), *([base64.b64encode(one).decode() for one in kind] for kind in kinds)])
print(json.dumps({"asked": asked, "told": told}))
"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Lab:
    try:
        find_library()
    except Unavailable as error:
        pytest.skip(f"NOT TESTED, no PKCS#11 library: {error}")
    made = Lab(tmp_path_factory.mktemp("evidence") / "lab")
    made.set_up()
    return made


def decoded(listed: list[str]) -> list[bytes]:
    return [base64.b64decode(one) for one in listed]


@pytest.mark.parametrize("policy", ["ades", "preservation"])
def test_before_the_laboratory_listens_its_own_certificates_have_evidence(lab: Lab, policy: str) -> None:
    certs = lab.folder / "certs"
    seal, unit = certs / "report-seal.pem", certs / "tsu-1.pem"
    found = run_script(SCRIPT, lab.config, policy, seal, unit)
    assert found.returncode == 0, found.stderr
    answer = json.loads(found.stdout)
    assert answer["asked"] == []
    sealed, stamped = answer["told"]

    def der(file: Path) -> bytes:
        return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(Encoding.DER)

    # The laboratory goes by its own trusted list, whose anchors are the issuing authority and the unit,
    # and by its root: evidence goes up to that, and is enough for who trusts any of them.
    root, issuing = (der(lab.folder / "trust" / f"{name}.pem") for name in ("root", "issuing"))
    for file, told, anchors in ((seal, sealed, (issuing, root)), (unit, stamped, (der(unit), issuing, root))):
        moment, *kinds = told
        certificates, lists, answers = map(decoded, kinds)
        assert certificates == [der(file), issuing, root]
        at = datetime.fromisoformat(moment)
        for anchor in anchors:
            result = validate_certificate(
                certificates[0],
                trust=Trust.of([anchor]),
                at=at,
                certificates=certificates,
                lists=lists,
                answers=answers,
                context=Context.TIME_STAMP if file is unit else Context.SIGNATURE,
            )
            assert result.conclusion.passed, result.conclusion.reasons()
            at_hand = AtHand(certificates, lists, answers, Trust.of([anchor]).anchors)
            assert at_hand.are_complete(certificates[:1])
        (read,) = [ocsp.load_der_ocsp_response(one) for one in answers]
        assert read.this_update_utc is not None
        assert read.this_update_utc >= at, "what was issued before it was asked for does not count"
        assert len(lists) == 1, "of the root's"


def test_what_there_is_no_validation_for_is_refused(lab: Lab) -> None:
    wiring = Wiring.lazy(lab.config)
    with pytest.raises(Rejected, match="There is no validation policy 'other'"):
        wiring.evidence_source(policy="other")
    offline = wiring.evidence_source()
    certificate = x509.load_pem_x509_certificates((lab.folder / "certs" / "report-seal.pem").read_bytes())[0]
    with pytest.raises(Unavailable) as caught:
        offline.evidence_of(certificate.public_bytes(Encoding.DER), datetime.now(UTC))
    assert caught.value.code == "evidence.missing", "nobody listens"


# What is not of the laboratory


@dataclass
class Published:
    """Stands for the status services: one authority, and a responder that notes what it was asked."""

    record: Any
    asked: list[bytes]

    @property
    def publication(self) -> Published:
        return self

    @property
    def responder(self) -> Published:
        return self

    @property
    def der(self) -> bytes:
        return b"an answer"

    def answer(self, request: bytes) -> Published:
        self.asked.append(request)
        return self

    def chain(self, name: str) -> list[Any]:
        return [self.record] if name == "issuing" else []

    def crl(self, name: str, *, shard: int | None, delta: bool) -> Any:
        return self.record if (name, shard, delta) == ("issuing", 3, False) else None


@dataclass
class Record:
    certificate: bytes = b"its certificate"
    der: bytes = b"its list"


def own(*, online: bool = True, memory: Memory | None = None) -> tuple[OwnStatus, Published]:
    published = Published(Record(), [])
    services: Any = published
    return OwnStatus(services, URL, FetchLimits(), memory, online=online), published


def test_what_is_at_our_own_address_is_given_out_of_the_process_and_not_kept() -> None:
    memory = Memory()
    fetcher, _ = own(memory=memory)
    assert fetcher.get(f"{URL}/certs/issuing.cer") == b"its certificate"
    assert fetcher.get(f"{URL}/crl/issuing/3.crl", fetcher.allowance()) == b"its list"
    fetcher.keep("crl", f"{URL}/crl/issuing/3.crl", b"", b"its list", NOW.timestamp() * 2)
    assert fetcher.cached("crl", f"{URL}/crl/issuing/3.crl", b"") is None
    fetcher.keep("crl", "http://other.example/1.crl", b"", b"a list", NOW.timestamp() * 2)
    assert fetcher.cached("crl", "http://other.example/1.crl", b"") == b"a list"


@pytest.mark.parametrize(
    "path", ["certs/other.cer", "certs/issuing.pem", "crl/issuing.crl", "crl/../x", "healthz", "ocsp"]
)
def test_what_is_not_there_is_not_looked_for_elsewhere(path: str) -> None:
    with pytest.raises(Unavailable) as caught:
        own()[0].get(f"{URL}/{path}")
    assert caught.value.code == "fetch.own"


def test_our_responder_is_asked_with_a_nonce_so_that_it_answers_anew() -> None:
    fetcher, published = own()
    ca = entity("ca", ca=True)
    plain = ocsp_request(Certificate.read(entity("signer", ca).der), Certificate.read(ca.der))
    for _ in range(2):
        assert fetcher.post(f"{URL}/ocsp", plain, "application/ocsp-request") == b"an answer"
    first, second = map(ocsp.load_der_ocsp_request, published.asked)
    assert first.serial_number == second.serial_number == ocsp.load_der_ocsp_request(plain).serial_number
    nonces = [one.extensions.get_extension_for_class(x509.OCSPNonce).value.nonce for one in (first, second)]
    assert len(set(nonces)) == 2
    assert {len(one) for one in nonces} == {32}
    assert with_nonce(plain, nonces[0]) == published.asked[0]


def test_others_are_asked_where_they_say_unless_nothing_is_fetched() -> None:
    with pytest.raises(Rejected) as caught:
        own()[0].get("http://127.0.0.1/1.crl")
    assert caught.value.code == "fetch.private", "that is the fetcher's own refusal"
    offline = own(online=False)[0]
    for url in ("http://other.example/1.crl", f"{URL}.other.example/1.crl"):
        with pytest.raises(Unavailable) as refused:
            offline.get(url)
        assert refused.value.code == "fetch.offline"
    with pytest.raises(Unavailable) as refused:
        offline.post("http://other.example/ocsp", b"", "application/ocsp-request")
    assert refused.value.code == "fetch.offline"


# The command line


def test_evidence_as_the_command_line_says_it(tmp_path: Path) -> None:
    begins = datetime.now(UTC).replace(microsecond=0) - timedelta(days=1)
    ends = begins + timedelta(days=9)
    root = entity("root", ca=True, since=begins, until=ends)
    signer = entity(
        "signer", root, since=begins, until=ends, extensions=[access(ocsp=f"{URL}/ocsp"), listed(f"{URL}/1")]
    )
    trust, untrusted = tmp_path / "root.cer", tmp_path / "root.crl"
    trust.write_bytes(root.der)
    untrusted.write_bytes(crl(root, begins, lasts=timedelta(days=5)))
    source = evidence_by_options(policy="ades", trust=[trust], untrusted=[untrusted], offline=True)
    assert source.evidence_of(signer.der, datetime.now(UTC)) == ValidationData(
        certificates=(signer.der, root.der), lists=(untrusted.read_bytes(),)
    )
    with pytest.raises(Unavailable, match="nothing is fetched here"):
        evidence_by_options(policy="ades", trust=[trust], untrusted=[], offline=True).evidence_of(
            signer.der, datetime.now(UTC)
        )
    with pytest.raises(Malformed):
        evidence_by_options(policy="none", trust=[trust], untrusted=[], offline=True)
    with pytest.raises(Malformed):
        evidence_by_options(policy="ades", trust=[untrusted], untrusted=[], offline=True)
