"""Whole paths with what is told of revocation, by anybody; NIST's are in tests/conformance."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from counted_work import calls_at_most
from cryptography import x509
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID
from foreign_pki import DAY, NOW, Entity, judged, usage

from trustworks.validation.policies.policy import Policy, parse

if TYPE_CHECKING:
    from trustworks.core.pki.tokens import OcspAnswer, RevocationList
    from trustworks.validation import CertificateResult

HOUR = timedelta(hours=1)
RESPONDER_USAGE = (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False)
NO_CHECK = (x509.OCSPNoCheck(), False)
ROOT = Entity("root")
LEAF = Entity("leaf", ROOT, ca=False)
RESPONDER = Entity("responder", ROOT, ca=False, extensions=[RESPONDER_USAGE])
NOT_KNOWN = "CERTIFICATE_CHAIN_GENERAL_FAILURE"


def strict(more: str = "") -> Policy:
    """RFC 5280 and no leniency."""
    return parse(
        'based-on = "ades"\nname = "strict"\nidentifier = "urn:example:strict"\n'
        '[signature.signing-certificate]\nfreshness-by-next-update = "fail"\n'
        f'[revocation]\nresponder-authorised = "fail"\n{more}'
    )


def told(result: CertificateResult) -> str:
    return str(result.conclusion.sub_indication or result.conclusion.indication)


def outcome(leaf: Entity = LEAF, **given: Any) -> str:
    return told(judged(leaf, ROOT, **given))


def idp(**given: Any) -> tuple[x509.ExtensionType, bool]:
    default: dict[str, Any] = {
        "full_name": None,
        "relative_name": None,
        "only_contains_user_certs": False,
        "only_contains_ca_certs": False,
        "only_some_reasons": None,
        "indirect_crl": False,
        "only_contains_attribute_certs": False,
    }
    return x509.IssuingDistributionPoint(**(default | given)), True


# Paths


def test_every_certificate_of_the_path_is_asked_about() -> None:
    issuing = Entity("issuing", ROOT)
    leaf = Entity("leaf", issuing, ca=False)
    whole = judged(leaf, ROOT, pool=[issuing], lists=[ROOT.crl(), issuing.crl()])
    assert whole.conclusion.passed
    assert [(one, status.fact.status) for one, status in whole.used] == [
        (leaf.token, "good"),
        (issuing.token, "good"),
    ]
    revoked_ca = [ROOT.crl([(issuing, {})]), issuing.crl()]
    assert outcome(leaf, pool=[issuing], lists=revoked_ca) == "REVOKED_CA_NO_POE"
    unknown = judged(leaf, ROOT, pool=[issuing], lists=[ROOT.crl()])
    assert told(unknown) == NOT_KNOWN
    assert [need.about for need in unknown.needs] == [f"C-{leaf.token.sha256.hex()}"]


def test_the_first_path_that_holds_is_taken() -> None:
    issuing = Entity("issuing", ROOT)
    leaf = Entity("leaf", issuing, ca=False)
    old = Entity("issuing", ROOT, key=issuing.key, ends=NOW - HOUR)
    lists = [ROOT.crl(), issuing.crl()]
    found = judged(leaf, ROOT, pool=[old, issuing], lists=lists)
    assert found.conclusion.passed
    assert found.path is not None
    assert found.path.certificates[1] == issuing.token
    assert not judged(leaf, ROOT, pool=[old], lists=lists).conclusion.passed


def test_what_is_outdated_is_not_used_and_why_is_told() -> None:
    old = ROOT.crl(this_update=NOW - DAY, next_update=NOW - HOUR)
    found = judged(LEAF, ROOT, lists=[old], policy=strict())
    assert told(found) == "TRY_LATER"
    assert "Get a fresher one" in found.conclusion.reasons()[0].text
    assert outcome(lists=[old]) == "PASSED"
    assert outcome(lists=[ROOT.crl([(LEAF, {"at": NOW + HOUR})])]) == "PASSED"


def test_who_says_that_nothing_is_told_is_exempt() -> None:
    for oid, value in (("2.5.29.56", b"\x05\x00"), ("0.4.0.194121.2.1", b"\x05\x00")):
        extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
        assert outcome(Entity("short", ROOT, ca=False, extensions=[(extension, False)])) == "PASSED"


def test_lists_for_some_reasons_are_put_together() -> None:
    compromise = frozenset({x509.ReasonFlags.key_compromise, x509.ReasonFlags.ca_compromise})
    rest = (
        frozenset(x509.ReasonFlags)
        - compromise
        - {x509.ReasonFlags.unspecified, x509.ReasonFlags.remove_from_crl}
    )
    half = ROOT.crl(extensions=[idp(only_some_reasons=compromise)])
    other_half = ROOT.crl(extensions=[idp(only_some_reasons=rest)])
    revoking = ROOT.crl([(LEAF, {})], extensions=[idp(only_some_reasons=rest)])
    assert outcome(lists=[half]) == NOT_KNOWN
    assert outcome(lists=[half, other_half]) == "PASSED"
    assert outcome(lists=[half, revoking]) == "REVOKED_NO_POE"


# Who signed answers and lists


def test_a_responders_certificate_is_looked_at_unless_it_says_no_check() -> None:
    answer = RESPONDER.answer(LEAF, ROOT)
    assert outcome(answers=[answer]) == NOT_KNOWN
    assert outcome(answers=[answer], lists=[ROOT.crl()]) == "PASSED"
    no_check = Entity("responder", ROOT, ca=False, extensions=[RESPONDER_USAGE, NO_CHECK])
    assert outcome(answers=[no_check.answer(LEAF, ROOT)]) == "PASSED"
    expired = Entity("responder", ROOT, ca=False, extensions=[RESPONDER_USAGE, NO_CHECK], ends=NOW - HOUR)
    assert outcome(answers=[expired.answer(LEAF, ROOT)]) == NOT_KNOWN


@pytest.mark.req("RFC6960:4.2.2.2-LOCAL")
def test_a_responder_of_the_root_answers_for_the_cas_below_where_the_policy_lets_it() -> None:
    issuing = Entity("issuing", ROOT)
    leaf = Entity("below", issuing, ca=False)
    central = Entity("central", ROOT, ca=False, extensions=[RESPONDER_USAGE, NO_CHECK])
    answers = [central.answer(leaf, issuing), central.answer(issuing, ROOT)]
    assert outcome(leaf, pool=[issuing], answers=answers, policy=strict()) == NOT_KNOWN
    assert outcome(leaf, pool=[issuing], answers=answers) == "PASSED"
    elsewhere = Entity("responder", Entity("root"), ca=False, extensions=[RESPONDER_USAGE])
    for policy in ("ades", strict()):
        assert outcome(answers=[elsewhere.answer(LEAF, ROOT)], policy=policy) == NOT_KNOWN


@pytest.mark.req("RFC5280:6.3.3-SIGNER-PATH", "EN319102-1:5.2.6.4-RAC-TRUSTED")
def test_who_signed_a_list_has_a_path_and_was_not_revoked() -> None:
    lists = Entity("root", ROOT, usage=usage("crl_sign"))
    stranger = Entity("root", Entity("root"), usage=usage("crl_sign"))
    cas_alone = [idp(only_contains_ca_certs=True)]
    assert outcome(pool=[lists], lists=[lists.crl(), ROOT.crl(extensions=cas_alone)]) == "PASSED"
    assert outcome(pool=[stranger], lists=[stranger.crl()]) == NOT_KNOWN
    revoked = ROOT.crl([(lists, {})], extensions=cas_alone)
    assert outcome(pool=[lists], lists=[lists.crl(), revoked]) == NOT_KNOWN


@pytest.mark.req("RFC5280:6.3.3-SIGNER-PATH", "EN319102-1:5.2.6.4-RAC-ANCHOR")
def test_who_signed_a_list_leads_to_the_anchor_of_who_it_tells_of() -> None:
    other = Entity("other")
    fake = Entity("root", other, usage=usage("crl_sign"))
    lists = [fake.crl(), other.crl()]
    assert told(judged(LEAF, ROOT, other, pool=[fake], lists=lists)) == NOT_KNOWN
    namesake = Entity("root", other)
    of_namesake = Entity("leaf", namesake, ca=False)
    assert told(judged(of_namesake, ROOT, other, pool=[fake, namesake], lists=lists)) == "PASSED"


# A list that tells of who signed it


def teller(*points: str, ocsp: bool = False, **given: Any) -> Entity:
    """Who signs lists for the root; the lists about himself are of those that are named."""
    extensions: list[tuple[x509.ExtensionType, bool]] = []
    if points:
        extensions.append((distribution(*points), False))
    if ocsp:
        place = x509.UniformResourceIdentifier("http://example.org/ocsp")
        access = [x509.AccessDescription(AuthorityInformationAccessOID.OCSP, place)]
        extensions.append((x509.AuthorityInformationAccess(access), False))
    return Entity(given.pop("name", "teller"), ROOT, ca=False, usage=usage("crl_sign"), extensions=extensions)


def distribution(*issuers: str) -> x509.CRLDistributionPoints:
    names = [Entity(one, ROOT).name for one in issuers]
    return x509.CRLDistributionPoints(
        [x509.DistributionPoint(None, None, None, [x509.DirectoryName(one)]) for one in names]
    )


TOLD_OF = Entity("told of", ROOT, ca=False, extensions=[(distribution("teller"), False)])


def indirect(by: Entity, *revoked: Entity, **given: Any) -> RevocationList:
    """A list of somebody about what the root issued."""
    issuer = (x509.CertificateIssuer([x509.DirectoryName(ROOT.name)]), True)
    entries = [(one, {"extensions": [issuer]}) for one in revoked]
    return by.crl(entries, extensions=[idp(indirect_crl=True)], **given)


def of_teller(by: Entity, told_by: RevocationList, *answers: OcspAnswer) -> str:
    return outcome(TOLD_OF, pool=[by], lists=[told_by], answers=answers)


@pytest.mark.req("RFC5280:6.3.3-SIGNER-SELF")
def test_a_list_tells_of_its_own_signer_where_his_issuer_names_nobody_else() -> None:
    """As NIST PKITS, 4.14.30 has it."""
    alone = teller("teller")
    assert of_teller(alone, indirect(alone)) == "PASSED"
    assert of_teller(alone, indirect(alone, TOLD_OF)) == "REVOKED_NO_POE"
    # It can say that its signer was revoked, and then it counts for nothing.
    assert of_teller(alone, indirect(alone, alone)) == NOT_KNOWN


@pytest.mark.req("RFC5280:6.3.3-SIGNER-SELF")
@pytest.mark.parametrize(
    "by",
    [teller(), teller("teller", ocsp=True), teller("teller", "root"), teller("root")],
    ids=["no point", "an address for OCSP", "a second point", "another point"],
)
def test_a_list_tells_nothing_of_a_signer_about_whom_others_are_to_be_asked(by: Entity) -> None:
    assert of_teller(by, indirect(by)) == NOT_KNOWN
    assert of_teller(by, indirect(by), ROOT.answer(by, ROOT)) == "PASSED"


@pytest.mark.req("RFC5280:6.3.3-SIGNER-SELF")
def test_what_a_signer_says_for_himself_undoes_nothing_that_others_tell() -> None:
    alone = teller("teller")
    newer = indirect(alone, this_update=NOW - HOUR / 60)
    assert of_teller(alone, newer, ROOT.answer(alone, ROOT)) == "PASSED"
    assert of_teller(alone, newer, ROOT.answer(alone, ROOT, "revoked")) == NOT_KNOWN
    # Against himself he is believed.
    against = indirect(alone, alone, this_update=NOW - HOUR / 60)
    assert of_teller(alone, against, ROOT.answer(alone, ROOT)) == NOT_KNOWN


@pytest.mark.req("RFC5280:6.3.3-SIGNER-SELF")
def test_a_list_of_the_authoritys_second_key_does_not_vouch_for_that_key() -> None:
    second = Entity("root", ROOT, usage=usage("crl_sign"))
    assert outcome(pool=[second], lists=[second.crl()]) == NOT_KNOWN
    # A point that names the issuer, who is everybody's, gives the second key no leave either.
    told = [(distribution("root"), False)]
    second = Entity("root", ROOT, usage=usage("crl_sign"), extensions=told)
    assert outcome(pool=[second], lists=[second.crl()]) == NOT_KNOWN
    assert outcome(pool=[second], lists=[second.crl(), ROOT.crl()]) == "PASSED"


# Bounds


def test_a_heap_of_signers_is_given_up_in_time() -> None:
    """Sixty certificates of a list's key, each to be looked at by lists that sixty others signed."""
    key = Entity("lists").key
    heap = [Entity("root", ROOT, key=key, usage=usage("crl_sign"), ca=False) for _ in range(60)]
    lists = [heap[0].crl(this_update=NOW - HOUR * number, next_update=NOW + HOUR) for number in range(1, 8)]
    with calls_at_most(200_000):
        assert not judged(LEAF, Entity("elsewhere"), ROOT, pool=heap, lists=lists).conclusion.passed
    strangers = [Entity("root", Entity("root"), usage=usage("crl_sign")) for _ in range(150)]
    assert outcome(pool=[*strangers, heap[0]], lists=[ROOT.crl()]) == "PASSED"
