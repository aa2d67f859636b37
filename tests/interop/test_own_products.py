"""What issuance and timestamping produce validates: now, after expiry, revocation and the end of the unit.

Signed with by OpenSSL, pyHanko, joserfc and a small signer of XML that xmlsec1 verifies; EU DSS is asked too.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from dss_judge import Case, answers
from evidence_records import record
from own_products import MAKERS, SIGNERS, House, stamped_again, xml_of
from rollover_testbed import open_site

from trustworks.core.der.algorithms import hash_identifier
from trustworks.core.der.encode import SEQUENCE, context, tlv
from trustworks.core.store import Database, StoreSettings
from trustworks.formats.data import Octets
from trustworks.issuance.model import RevocationReason
from trustworks.validation.policies.policy import parse, shipped
from trustworks.validation.rules.inputs import NOTHING, Extra
from trustworks.validation.service import Report, Validator, replay
from trustworks.validation.trust import Trust

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from own_products import Holder

    from trustworks.core.module import Pkcs11Uri
    from trustworks.validation.policies.policy import Policy

pytestmark = pytest.mark.interop

PASSED = ("TOTAL-PASSED", None)
UNKNOWN = ("INDETERMINATE", "CERTIFICATE_CHAIN_GENERAL_FAILURE")
"""Nobody says whether the certificate was revoked."""
POLICY = parse(
    """
    name = "claims"
    identifier = "urn:example:claims"
    based-on = "ades"

    [signature.signed-attributes]
    signing-time-in-validity = "inform"
    """
)
"""OpenSSL and pyHanko claim the time of this machine, which is not that of the placed clock."""


@dataclass
class Story:
    """What was made in the course of the years, and what was published on some days, by names."""

    house: House
    holders: dict[str, Holder] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    published: dict[str, Extra] = field(default_factory=dict)
    days: dict[str, datetime] = field(default_factory=dict)

    def day(self, name: str, *asked: bytes) -> None:
        """Remember what is published now: all lists, answers about certificates, authorities."""
        house = self.house
        house.site.rounds(4)
        lists = house.lists()
        self.published[name] = house.extra(*lists, *house.status(*asked))
        self.days[name] = house.site.clock.moment + timedelta(seconds=2)

    def judged(
        self,
        file: str,
        day: str,
        *,
        only: str = "RO",
        policy: Policy = POLICY,
        records: tuple[bytes, ...] = (),
    ) -> Report:
        """The report about a file on a day, by what was published then, or only lists or answers of it."""
        extra = self.published[day]
        chosen = tuple(one for one in extra.revocation if one.id[0] in only)
        validator = Validator(
            policy=policy,
            trust=Trust.of([self.house.root]),
            extra=NOTHING if not only else Extra(certificates=extra.certificates, revocation=chosen),
            at=self.days[day],
        )
        return validator.validate(
            Octets(self.files[file], file), records=[Octets(one, "record.ers") for one in records]
        )

    def verdict(self, file: str, day: str, **given: Any) -> tuple[str, str | None]:
        """Indication and sub-indication of the one signature of a file."""
        (found,) = self.judged(file, day, **given).outcome.signatures
        return found.indication.value, None if found.sub_indication is None else found.sub_indication.value


@pytest.fixture(scope="module")
def story(
    softhsm: Path, make_token: Callable[..., Pkcs11Uri], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Story]:
    folder = tmp_path_factory.mktemp("products")
    store = StoreSettings.model_validate({"url": f"sqlite:///{folder / 'state.sqlite'}"})
    with Database.open(store) as database:
        database.upgrade()
        with open_site(database, make_token(), softhsm, folder, years=9, shards=3) as site:
            yield told(Story(House(site)))


def told(story: Story) -> Story:
    """Years of a provider, as short as they can be."""
    house, clock = story.house, story.house.site.clock
    clock.advance(hours=1)
    for name in (*SIGNERS, "stays", "revoked"):
        profile = name if name in SIGNERS else "natural-qcp-n-qscd"
        story.holders[name] = house.certify(profile)
    clock.advance(hours=1)
    stays, revoked = story.holders["stays"], story.holders["revoked"]
    for name in SIGNERS:
        for kind, make in MAKERS.items():
            story.files[f"{kind} {name}"] = make(house, story.holders[name], stamped=True)
    for kind, make in MAKERS.items():
        for holder in ("stays", "revoked"):
            for stamped in (True, False):
                story.files[f"{kind} {holder} {'T' if stamped else 'B'}"] = make(
                    house, story.holders[holder], stamped=stamped
                )
    story.files["token"] = house.stamp(b"contract")
    clock.advance(hours=1)
    everyone = [one.certificate for one in story.holders.values()]
    tsu = x509.load_pem_x509_certificate(house.site.tsu_file.read_bytes()).public_bytes(Encoding.DER)
    story.day("now", *everyone, tsu)
    clock.advance(days=1)
    house.site.issuance.revoke(revoked.serial, RevocationReason.cessationOfOperation, by="officer")
    clock.advance(hours=1)
    story.day("revoked", *everyone, tsu)
    for kind, make in MAKERS.items():
        story.files[f"{kind} after revocation"] = make(house, revoked, stamped=True)
    story.files["content time-stamp after revocation"] = xml_of(
        house, revoked, stamped=True, content_stamp=True
    )
    clock.advance(hours=1)
    story.day("later", *everyone, tsu)
    go_by(house, stays.expires + timedelta(days=1))
    story.day("expired", *everyone, tsu)
    house.worker.ping()
    # A second time-stamp, by the unit's next generation, before the certificate of the first ends.
    story.files["PAdES stamped again"] = stamped_again(house, story.files["PAdES stays T"])
    for kind in MAKERS:
        story.files[f"record {kind}"] = archived(house, story.files[f"{kind} stays T"])
    go_by(house, x509.load_der_x509_certificate(tsu).not_valid_after_utc + timedelta(days=1))
    story.day("unit's end", *everyone, tsu)
    return story


def go_by(house: House, until: datetime) -> None:
    """Time goes by, and the jobs do what is due: responder, unit and authority get new keys."""
    clock = house.site.clock
    while clock.moment < until:
        for _ in range(2):
            house.site.rounds(3)
            clock.advance(hours=2)
        house.site.publish()
        clock.moment = min(clock.moment + timedelta(days=28), until)


def archived(house: House, octets: bytes) -> bytes:
    """An evidence record (RFC 4998) over a file alone, by our unit."""
    algorithm = context(0, hash_identifier("sha256")[2:])
    return record([tlv(SEQUENCE, algorithm, house.stamp(octets))])


@pytest.mark.parametrize("name", SIGNERS)
@pytest.mark.parametrize("kind", MAKERS)
def test_everyone_whom_we_certify_signs_in_every_format(story: Story, kind: str, name: str) -> None:
    day = "now"
    found = story.judged(f"{kind} {name}", day)
    (signature,) = found.plain()["signatures"]
    assert (signature["indication"], signature["reasons"]) == ("TOTAL-PASSED", [])
    assert signature["level"] == f"{kind}-BASELINE-T"
    assert [one["indication"] for one in signature["timestamps"]] == ["PASSED"]


@pytest.mark.parametrize("kind", MAKERS)
def test_lists_alone_are_evidence_and_so_are_answers_about_the_signer(story: Story, kind: str) -> None:
    """Of the root there are lists alone."""
    assert story.verdict(f"{kind} stays B", "now", only="R") == PASSED
    assert story.verdict(f"{kind} stays B", "now", only="") == UNKNOWN
    extra = story.published["now"]
    root = tuple(one for one in extra.revocation if story.house.is_of_root(one))
    answers_ = tuple(one for one in extra.revocation if one.id.startswith("O-"))
    for revocation, wanted in (((*root, *answers_), PASSED), (root, UNKNOWN)):
        validator = Validator(
            policy=POLICY,
            trust=Trust.of([story.house.root]),
            extra=Extra(certificates=extra.certificates, revocation=revocation),
            at=story.days["now"],
        )
        (found,) = validator.validate(Octets(story.files[f"{kind} stays B"])).plain()["signatures"]
        assert (found["indication"], found["sub_indication"]) == wanted


@pytest.mark.parametrize("kind", MAKERS)
def test_after_the_end_of_a_certificate_a_time_stamp_decides(story: Story, kind: str) -> None:
    assert story.verdict(f"{kind} stays T", "expired") == PASSED
    assert story.verdict(f"{kind} stays B", "expired") == ("INDETERMINATE", "OUT_OF_BOUNDS_NOT_REVOKED")


@pytest.mark.parametrize("kind", MAKERS)
def test_after_revocation_a_time_stamp_from_before_decides(story: Story, kind: str) -> None:
    for day in ("revoked", "later"):
        assert story.verdict(f"{kind} revoked T", day) == PASSED
        assert story.verdict(f"{kind} revoked B", day) == ("INDETERMINATE", "REVOKED_NO_POE")
    assert story.verdict(f"{kind} revoked B", "now") == PASSED
    assert story.verdict(f"{kind} after revocation", "later") == ("INDETERMINATE", "REVOKED_NO_POE")


def test_a_time_stamp_over_the_data_shows_that_it_was_signed_after_revocation(story: Story) -> None:
    assert story.verdict("content time-stamp after revocation", "later") == ("TOTAL-FAILED", "REVOKED")


def test_a_token_alone_is_valid_until_its_unit_ends(story: Story) -> None:
    for day, wanted in (
        ("now", ("PASSED", None)),
        ("expired", ("PASSED", None)),
        ("unit's end", ("INDETERMINATE", "OUT_OF_BOUNDS_NOT_REVOKED")),
    ):
        validator = Validator(
            policy=shipped(),
            trust=Trust.of([story.house.root]),
            extra=story.published[day],
            at=story.days[day],
        )
        report = validator.validate(Octets(story.files["token"]), detached=[Octets(b"contract")])
        (found,) = report.plain()["timestamps"]
        assert (found["indication"], found["sub_indication"]) == wanted, day


def test_after_the_end_of_the_unit_a_newer_time_stamp_carries(story: Story) -> None:
    day = "unit's end"
    for kind in MAKERS:
        name = f"{kind} stays T"
        assert story.verdict(name, day) == ("INDETERMINATE", "OUT_OF_BOUNDS_NOT_REVOKED")
        assert story.verdict(name, day, records=(story.files[f"record {kind}"],)) == PASSED
    assert story.verdict("PAdES stamped again", day) == PASSED


def test_xmlsec1_takes_the_small_signer_for_one(story: Story, tmp_path: Path) -> None:
    program = shutil.which("xmlsec1")
    if program is None:
        pytest.fail("xmlsec1 is not installed; run tools/setup")
    for name in ("XAdES stays T", "content time-stamp after revocation"):
        file = tmp_path / "signed.xml"
        file.write_bytes(story.files[name])
        done = subprocess.run(
            [
                *(program, "--verify", "--insecure", "--enabled-key-data", "x509"),
                *("--id-attr:Id", "http://uri.etsi.org/01903/v1.3.2#:SignedProperties"),
                *("--id-attr:Id", "http://www.w3.org/2000/09/xmldsig#:Object", file),
            ],
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("policy", ["ades", "qualified"])
def test_a_verdict_about_our_products_replays(story: Story, tmp_path: Path, policy: str) -> None:
    made = [
        (name, day) for name in sorted(story.files) if name.split()[0] in MAKERS for day in ("now", "later")
    ]
    chosen = made[::7]
    assert {name.split()[0] for name, _ in chosen} == set(MAKERS)
    for place, (name, day) in enumerate(chosen):
        report, bundle = story.judged(name, day, policy=shipped(policy)), tmp_path / str(place)
        report.keep(bundle)
        again = replay(bundle)
        assert (again.same, again.first_difference()) == (True, "how it is written"), name
        assert json.loads(again.kept) == report.plain() == again.report.plain(), name


def test_eu_dss_reads_the_signatures_alike(story: Story, tmp_path: Path) -> None:
    """It is offline here and has no revocation data: what it says of cryptography, data and levels counts."""
    anchor = tmp_path / "root.der"
    anchor.write_bytes(story.house.root)
    names = [f"{kind} {holder}" for kind in MAKERS for holder in ("stays T", "stays B")]
    cases = []
    for name in names:
        file = tmp_path / hashlib.sha256(name.encode()).hexdigest()
        file.write_bytes(story.files[name])
        cases.append(Case(file=file, anchors=(anchor,), at=story.days["now"]))
    for name, theirs in zip(names, answers(cases, tmp_path), strict=True):
        (one,), (own,) = theirs["signatures"], story.judged(name, "now", only="").plain()["signatures"]
        assert (one["valid"], one["data_intact"]) == (True, True), name
        assert one["level"].replace("_", "-") == own["level"], name
        assert (one["indication"], one["sub_indication"]) == (own["indication"], own["sub_indication"]), name
