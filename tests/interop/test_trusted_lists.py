"""Trusted lists held against others: xmlsec1 on signatures, the published lists, the schemas."""

from __future__ import annotations

import shutil
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from pyhanko.sign.validation.qualified.eutl_parse import ojeu_bootstrap_lotl_tlso_certs
from trusted_list_bench import list_xml, party, provider, service, sign, state

from trustworks.core.pki.trusted_lists import authenticate as auth
from trustworks.core.pki.trusted_lists.authenticate import OfficialJournal
from trustworks.core.pki.trusted_lists.fetch import Folder
from trustworks.core.pki.trusted_lists.read import parse, read_trusted_list
from trustworks.core.pki.trusted_lists.refresh import Result, refresh
from trustworks.core.pki.trusted_lists.signature import verify_signature
from trustworks.core.pki.trusted_lists.store import TrustStore

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.interop

LISTS = Path(__file__).parents[3] / "shared" / "corpus" / "trusted-lists"
PIVOTS = [f"https://ec.europa.eu/tools/lotl/eu-lotl-pivot-{number}.xml" for number in (300, 282)]
LOTL = "https://ec.europa.eu/tools/lotl/eu-lotl.xml"
PUBLICATION = "https://eur-lex.europa.eu/legal-content/EN/TXT/?uri=uriserv:OJ.C_.2019.276.01.0001.01.ENG"
DAY_OF_THE_CORPUS = datetime(2023, 11, 1, tzinfo=UTC)


@pytest.fixture(scope="module")
def published() -> Folder:
    if not LISTS.is_dir():
        pytest.skip(f"NOT TESTED, because {LISTS} is not there: published trusted lists")
    return Folder(LISTS, most=1 << 25)


def judged(octets: bytes, folder: Path) -> bool:
    """Whether xmlsec1 verifies the signature, by the certificate that comes with it."""
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.fail("xmlsec1 is not installed; run tools/setup")
    file = folder / "list.xml"
    file.write_bytes(octets)
    properties = ["--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"]
    done = subprocess.run(
        [program, "--verify", "--insecure", "--enabled-key-data", "x509", *properties, str(file)],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0


def test_xmlsec1_verifies_what_we_verify(tmp_path: Path) -> None:
    signed = sign(list_xml(providers=[provider("P", service(state(party("P").der)))]), party("Operator"))
    changed = signed.replace(b">Operator<", b">Intruder<")
    assert judged(signed, tmp_path)
    assert verify_signature(parse(signed)).problem is None
    assert not judged(changed, tmp_path)
    assert verify_signature(parse(changed)).problem is not None


def test_published_lists_are_verified_by_us_and_by_xmlsec1(published: Folder, tmp_path: Path) -> None:
    del published
    files = sorted(LISTS.iterdir())
    assert len(files) > 30
    for file in files:
        octets = file.read_bytes()
        assert verify_signature(parse(octets)).problem is None, file.name
        assert judged(octets, tmp_path), file.name
        # A character that stands in every list, changed where no schema would mind.
        spoilt = octets.replace(b"65535", b"65534", 1)
        assert spoilt != octets
        problem = verify_signature(parse(spoilt)).problem
        assert problem is not None
        assert problem.code == "HASH_FAILURE", file.name


def test_published_lists_are_read_without_a_finding(published: Folder) -> None:
    del published
    for file in sorted(LISTS.iterdir()):
        read = read_trusted_list(file.read_bytes())
        assert read.findings == (), file.name
        assert bool(read.providers) != (read.scheme.territory == "EU")


def journal() -> OfficialJournal:
    """The certificates of OJ C 276 of 16 August 2019, as pyHanko (MIT) comes with them."""
    found = ojeu_bootstrap_lotl_tlso_certs()
    assert len(found) > 1
    return OfficialJournal(
        publication=PUBLICATION, location=LOTL, certificates=tuple(one.dump() for one in found)
    )


def test_the_published_list_of_lists_leads_through_its_pivots_to_all_others(
    published: Folder, tmp_path: Path
) -> None:
    outcomes = {one.territory: one for one in refresh(tmp_path, journal(), published, DAY_OF_THE_CORPUS)}
    missing = {one for one, outcome in outcomes.items() if outcome.result is Result.MISSING}
    assert missing == {"DE"}  # not among the files
    assert len(outcomes) == 32
    store = TrustStore.load(tmp_path, DAY_OF_THE_CORPUS)
    assert {code for one in outcomes for code in store.authenticated(one).sub_status} == {
        auth.UNAVAILABLE,
        auth.EUTL_OVERDUE,
    }
    assert len(store.anchors) > 3000
    assert all(one.certificate.key for one in store.anchors)
    assert len({one.territory for one in store.anchors}) == 30


def test_the_published_lists_are_not_believed_of_others(published: Folder) -> None:
    def otherwise(replaced: str, by: str) -> Iterator[auth.Authenticated]:
        def fetch(address: str) -> bytes:
            return published(by if address == replaced else address)

        yield auth.authenticate_list_of_lists(journal(), fetch, DAY_OF_THE_CORPUS)

    stranger = OfficialJournal(publication=PUBLICATION, location=LOTL, certificates=(party("X").der,))
    found = auth.authenticate_list_of_lists(stranger, published, DAY_OF_THE_CORPUS)
    assert found.sub_status == ("PIVOT_2_LOTLSO_SIGNER_CERT_NOT_AUTHENTICATED_BY_OJEU",)
    for one in otherwise(PIVOTS[0], "http://www.nmhh.hu/tl/pub/HU_TL.xml"):
        assert one.list is None
    later = DAY_OF_THE_CORPUS + timedelta(days=365)
    assert auth.authenticate_list_of_lists(journal(), published, later).sub_status == (auth.LOTL_OVERDUE,)
