"""What a policy lets the validation of paths begin with (RFC 5280, 6.1.1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from evidence_graphs import NOW as THEN
from evidence_graphs import Graph, at_hand, house, signed, verdict
from foreign_pki import Entity, judged, named

from trustworks.core.errors import Malformed
from trustworks.core.pki.name_constraints import NameSpace
from trustworks.core.pki.tokens import Certificate
from trustworks.validation import Context
from trustworks.validation.policies.path_inputs import NAMES_OF_INPUTS, NO_INPUTS, read_subtree
from trustworks.validation.policies.policy import Policy, parse, shipped
from trustworks.validation.rules.inputs import Inputs
from trustworks.validation.rules.past import validate_past_certificate
from trustworks.validation.rules.poe import Poes

if TYPE_CHECKING:
    from collections.abc import Callable

P1, P2 = "1.3.9999.1", "1.3.9999.2"
GENERAL = "CERTIFICATE_CHAIN_GENERAL_FAILURE"
ROOT = Entity("root")
SIGNER = Entity(
    named("signer", (NameOID.COUNTRY_NAME, "XX"), (NameOID.ORGANIZATION_NAME, "Examples")),
    ROOT,
    ca=False,
    extensions=[
        (x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier(P1), None)]), False),
        (
            x509.SubjectAlternativeName(
                [x509.RFC822Name("signer@mail.example.org"), x509.DNSName("www.example.org")]
            ),
            False,
        ),
    ],
)


def policy(*lines: str, context: str = "signature", more: str = "") -> Policy:
    return parse(
        'based-on = "ades"\nname = "n"\nidentifier = "urn:example:n"\n'
        f"[{context}.path-validation]\n" + "\n".join(lines) + f"\n{more}",
        "P",
    )


def outcome(*lines: str) -> str:
    conclusion = judged(SIGNER, ROOT, lists=[ROOT.crl()], policy=policy(*lines)).conclusion
    return str(conclusion.sub_indication or conclusion.indication)


@pytest.mark.req("EN319102-1:5.2.6.4-4-PARAMETERS")
@pytest.mark.parametrize(
    ("expected", "lines"),
    [
        ("PASSED", ()),
        ("PASSED", ("initial-explicit-policy = true",)),
        ("PASSED", (f'user-initial-policy-set = ["{P2}"]',)),  # only asked for where one is required
        (GENERAL, (f'user-initial-policy-set = ["{P2}"]', "initial-explicit-policy = true")),
        ("PASSED", (f'user-initial-policy-set = ["{P1}", "{P2}"]', "initial-explicit-policy = true")),
        (GENERAL, ("user-initial-policy-set = []", "initial-explicit-policy = true")),
        ("PASSED", ('initial-permitted-subtrees = ["dns:example.org"]',)),
        (GENERAL, ('initial-permitted-subtrees = ["dns:example.com"]',)),
        (GENERAL, ('initial-excluded-subtrees = ["dns:example.org"]',)),
        (GENERAL, ('initial-excluded-subtrees = ["dns:"]',)),
        ("PASSED", ('initial-permitted-subtrees = ["email:.example.org", "ip:192.0.2.0/24"]',)),
        (GENERAL, ('initial-permitted-subtrees = ["email:example.org"]',)),
        (GENERAL, ('initial-excluded-subtrees = ["email:"]',)),
        ("PASSED", ('initial-permitted-subtrees = ["directory:O=examples,C=XX"]',)),
        (GENERAL, ('initial-permitted-subtrees = ["directory:O=Others,C=XX"]',)),
        (GENERAL, ('initial-excluded-subtrees = ["directory:"]',)),
    ],
)
def test_what_a_policy_begins_with_is_what_paths_are_held_against(
    expected: str, lines: tuple[str, ...]
) -> None:
    assert outcome(*lines) == expected


@pytest.mark.req("EN319102-1:5.2.6.4-4-PARAMETERS")
def test_paths_of_signers_and_of_time_stamps_begin_with_what_is_theirs() -> None:
    for context, expected in (("signature", GENERAL), ("time-stamp", "TOTAL-PASSED")):
        graph, of, signature = signed()
        graph.stamp(signature, THEN, of.tsa)
        at_hand(graph, of)
        found = graph.run(of.trust, policy=policy("initial-explicit-policy = true", context=context))
        assert verdict(found) == expected
        assert str(found.time_stamps[0].verdict.sub_indication) == (
            "None" if context == "signature" else GENERAL
        )


@pytest.mark.req("EN319102-1:5.2.6.4-4-PARAMETERS")
def test_it_holds_in_the_past_as_well() -> None:
    of, graph = house(), Graph()
    at_hand(graph, of)
    for given, words in ((policy(), ""), (policy("initial-explicit-policy = true"), "no policy valid")):
        inputs = Inputs(evidence=graph.evidence, trust=of.trust, policy=given, at=THEN)
        found = validate_past_certificate(
            Certificate.read(of.signer.der), Context.SIGNATURE, inputs, Poes(inputs), THEN
        )
        assert any(words in one.text for one in found.conclusion.reasons()) == bool(words)


def test_counter_signatures_are_as_signatures_unless_something_else_is_said() -> None:
    found = policy("initial-explicit-policy = true")
    assert found.path_inputs_in(Context.COUNTER_SIGNATURE) == found.path_inputs_in(Context.SIGNATURE)
    assert found.path_inputs_in(Context.TIME_STAMP) is NO_INPUTS
    assert shipped().path_inputs_in(Context.COUNTER_SIGNATURE) is NO_INPUTS
    more = "[counter-signature.path-validation]\ninitial-any-policy-inhibit = true"
    counter = policy("initial-explicit-policy = true", more=more).path_inputs_in(Context.COUNTER_SIGNATURE)
    assert (counter.initial_explicit_policy, counter.initial_any_policy_inhibit) == (True, True)


@pytest.mark.parametrize(
    ("line", "sentence"),
    [
        ("x = 1", f"has the unknown key x. Known there: {', '.join(NAMES_OF_INPUTS)}"),
        ("initial-explicit-policy = 1", "initial-explicit-policy must be true or false"),
        ('user-initial-policy-set = "1.2"', "user-initial-policy-set must be a list of strings"),
        ("initial-permitted-subtrees = [1]", "initial-permitted-subtrees must be a list of strings"),
        ('user-initial-policy-set = ["any"]', "'any' is no object identifier"),
        ('initial-permitted-subtrees = ["example.org"]', "it begins with dns:, email:, uri:, ip: or"),
        ('initial-permitted-subtrees = ["phone:1"]', "it begins with dns:, email:, uri:, ip: or"),
        ('initial-excluded-subtrees = ["ip:1.2.3.4/8"]', "'ip:1.2.3.4/8' is no subtree of names: "),
        ('initial-excluded-subtrees = ["directory:x"]', "'directory:x' is no subtree of names: "),
        ('initial-excluded-subtrees = ["dns:b\u00fccher.example"]', "a domain of other letters as xn--"),
    ],
)
def test_what_is_wrong_is_said(line: str, sentence: str) -> None:
    with pytest.raises(Malformed) as raised:
        policy(line)
    assert sentence in str(raised.value)
    assert "signature.path-validation" in str(raised.value)
    assert str(raised.value).endswith(".")


def test_contexts_without_paths_of_their_own_have_no_such_table() -> None:
    for context in ("revocation", "evidence-record", "container"):
        with pytest.raises(Malformed, match="unknown key path-validation"):
            policy(context=context)


def test_subtrees_of_addresses() -> None:
    assert read_subtree("ip:192.0.2.0/24").base.value == bytes([192, 0, 2, 0, 255, 255, 255, 0])
    assert len(bytes(read_subtree("ip:::/0").base.value)) == 32  # type: ignore[arg-type]  # octets, here


@pytest.mark.parametrize(
    "text",
    [
        *("dns:*.example.org", "dns:example..org", "dns:a@example.org", "dns:..example.org", "dns:."),
        *("uri:https://example.org/", "uri:example.org:443", "uri:example.org/", "uri:a@example.org"),
        *("email:*@example.org", "email:@example.org", "email:a@", "email:a@.example.org", "email:a@b@c"),
        *(
            "email:*.example.org",
            "dns:-a.example.org",
            f"dns:{'a' * 64}.example.org",
            "email:a@*.example.org",
        ),
        *("uri:192.0.2.1", "dns:192.0.2.1", "email:a@192.0.2.1", "email:a@example.org.", "uri:[2001:db8::1]"),
    ],
)
def test_a_subtree_that_no_name_is_in_is_refused(text: str) -> None:
    """It would exclude nothing, and whoever wrote it believes that it does."""
    with pytest.raises(Malformed, match="is no subtree of names: write a host"):
        read_subtree(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("dns:example.org", "www.example.org"),
        ("dns:example.org.", "example.org"),
        ("dns:.Example.org", "www.example.org"),
        ("dns:_sip.xn--bcher-kva.example", "a._sip.xn--bcher-kva.example"),
        ("dns:", "example.org"),
        ("email:a.b+c@Example.org", "a.b+c@example.org"),
        ("email:example.org", "a@example.org"),
        ("email:.example.org", "a@mail.example.org"),
        ("email:", "a@example.org"),
        ("uri:example.org", "https://example.org/x"),
        ("uri:.example.org", "https://www.example.org:8443/x"),
        ("uri:", "https://example.org/x"),
    ],
)
def test_a_subtree_that_is_taken_holds_names(text: str, name: str) -> None:
    form = text.partition(":")[0]
    names: dict[str, Callable[[str], x509.GeneralName]] = {
        "dns": x509.DNSName,
        "email": x509.RFC822Name,
        "uri": x509.UniformResourceIdentifier,
    }
    extension = x509.SubjectAlternativeName([names[form](name)])
    certificate = Entity("named", ca=False, extensions=[(extension, False)]).token
    objection = NameSpace(excluded=(read_subtree(text),)).objection(certificate)
    assert "excludes" in str(objection)
    assert NameSpace(((read_subtree(text),),)).objection(certificate) is None
