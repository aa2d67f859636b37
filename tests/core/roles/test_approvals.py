"""Approvals: what is signed, by which keys, and what does not verify."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest
from operators_testbed import NOW, Authenticator, credential_of, new_key, signer_of

from trustworks.core.errors import Malformed, Rejected
from trustworks.core.roles import Approval, Role, new_content, sign_approval, verify_approval

if TYPE_CHECKING:
    from trustworks.core.roles.approvals import ApprovalContent

DIGEST = hashlib.sha256(b"the plan").hexdigest()


def content(**changes: Any) -> ApprovalContent:
    made = new_content(
        what="ceremony.root", sha256=DIGEST, operator="anna", role=Role.SECURITY_OFFICER, time=NOW
    )
    return replace(made, **changes)


def test_what_is_signed_is_canonical_json_of_six_members() -> None:
    made = content(nonce="0" * 32)
    assert made.octets() == (
        b'{"nonce":"00000000000000000000000000000000","operator":"anna","role":"security-officer","sha256":"'
        + DIGEST.encode()
        + b'","time":"2026-03-01T12:00:00.000000Z","what":"ceremony.root"}'
    )
    assert made.digest() == hashlib.sha256(made.octets()).digest()
    assert content().nonce != content().nonce


@pytest.mark.parametrize("kind", ["P-256", "P-384", "P-521", "Ed25519", "RSA-3072"])
def test_a_certificates_key_approves_and_the_approval_verifies_after_a_way_through_json(kind: str) -> None:
    key = new_key(kind)
    approval = sign_approval(content(), signer_of(key))
    again = Approval.from_json(json.dumps(approval.as_dict()).encode())
    assert again == approval
    verify_approval(again, credential_of(key, "anna"))


def test_a_passkey_approves_by_an_assertion_over_the_digest() -> None:
    authenticator = Authenticator()
    credential, made = authenticator.credential("anna"), content()
    approval = Approval(content=made, key_id=credential.key_id, assertion=authenticator.get(made.digest()))
    again = Approval.from_json(json.dumps(approval.as_dict()).encode())
    assert (again, again.form) == (approval, "webauthn")
    verify_approval(again, credential)


def test_a_kind_of_key_that_jose_has_no_name_for_is_refused_before_anything_is_signed() -> None:
    with pytest.raises(Rejected, match="brainpoolP256r1"):
        sign_approval(content(), signer_of(new_key("brainpoolP256r1")))


@pytest.mark.parametrize(
    "changes",
    [
        {"what": "ceremony.sub-ca"},
        {"sha256": "0" * 64},
        {"role": Role.OPERATOR},
        {"nonce": "f" * 32},
        {"time": NOW.replace(second=1)},
    ],
)
def test_a_changed_content_does_not_verify(changes: dict[str, Any]) -> None:
    key, authenticator = new_key(), Authenticator()
    made = content()
    by_jws = sign_approval(made, signer_of(key))
    passkey = authenticator.credential("anna")
    by_passkey = Approval(content=made, key_id=passkey.key_id, assertion=authenticator.get(made.digest()))
    for approval, credential in ((by_jws, credential_of(key, "anna")), (by_passkey, passkey)):
        with pytest.raises(Rejected) as caught:
            verify_approval(replace(approval, content=replace(made, **changes)), credential)
        assert caught.value.code == "roles.signature"


def test_another_key_another_operator_and_no_signature_do_not_verify() -> None:
    key, other = new_key(), new_key()
    approval = sign_approval(content(), signer_of(key))
    mine = credential_of(key, "anna")
    forged = replace(approval, jws=sign_approval(approval.content, signer_of(other)).jws)
    for wrong, credential in (
        (approval, credential_of(other, "anna")),
        (approval, replace(mine, operator="ben")),
        (forged, mine),
        (replace(approval, jws=None), mine),
        (approval, replace(mine, kind="passkey")),
    ):
        with pytest.raises(Rejected) as caught:
            verify_approval(wrong, credential)
        assert caught.value.code == "roles.signature"


def test_a_jws_for_another_purpose_is_no_approval() -> None:
    from trustworks.core.roles import jws  # noqa: PLC0415

    key = new_key()
    approval = sign_approval(content(), signer_of(key))
    token = jws.sign(approval.content.octets(), signer_of(key), typ="trustworks-sign-in+jws")
    with pytest.raises(Rejected, match="another purpose"):
        verify_approval(replace(approval, jws=token), credential_of(key, "anna"))


def test_an_assertion_without_user_verification_or_from_elsewhere_does_not_verify() -> None:
    made = content()
    for change in ({"user_verified": False}, {"origin": "https://evil.example"}, {"rp_id": "evil.example"}):
        authenticator = Authenticator()
        credential = authenticator.credential("anna")
        for name, value in change.items():
            setattr(authenticator, name, value)
        approval = Approval(
            content=made, key_id=credential.key_id, assertion=authenticator.get(made.digest())
        )
        with pytest.raises(Rejected) as caught:
            verify_approval(approval, credential)
        assert caught.value.code == "roles.signature"


def test_damaged_assertions_are_refused_whatever_the_octets() -> None:
    authenticator, made = Authenticator(), content()
    credential = authenticator.credential("anna")
    good = authenticator.get(made.digest())
    for name in ("client_data", "authenticator_data", "signature"):
        for octets in (b"", b"\x00", b"{}", b"[]", b"\xff" * 40, getattr(good, name)[:-1]):
            bad = replace(good, **{name: octets})
            with pytest.raises(Rejected) as caught:
                verify_approval(Approval(content=made, key_id=credential.key_id, assertion=bad), credential)
            assert caught.value.code == "roles.signature"


def malformed() -> list[Any]:
    good = json.loads(json.dumps(sign_approval(content(), signer_of(new_key())).as_dict()))

    def with_content(**changes: Any) -> Any:
        return good | {"content": good["content"] | changes}

    return [
        None,
        [],
        {},
        good | {"version": 2},
        good | {"version": True},
        good | {"more": 1},
        {name: value for name, value in good.items() if name != "jws"},
        good | {"webauthn": {}},
        good | {"jws": 1},
        good | {"credential": "AB" * 32},
        good | {"content": []},
        with_content(what="Ceremony"),
        with_content(what="a" * 65),
        with_content(sha256="0"),
        with_content(operator="Anna"),
        with_content(operator=1),
        with_content(role="king"),
        with_content(time="yesterday"),
        with_content(time="2026-03-01T12:00:00Z"),
        with_content(time="2026-03-01T12:00:00.000000"),
        with_content(nonce="xyz"),
        with_content(more="x"),
        {name: value for name, value in good.items() if name != "jws"} | {"webauthn": {"id": "AA"}},
        {name: value for name, value in good.items() if name != "jws"}
        | {"webauthn": dict.fromkeys(("id", "clientDataJSON", "authenticatorData", "signature"), "A")},
    ]


@pytest.mark.parametrize("value", malformed())
def test_what_is_no_approval_is_malformed(value: Any) -> None:
    with pytest.raises(Malformed):
        Approval.from_dict(value)


@pytest.mark.parametrize("octets", [b"", b"{", b"\xff", b'{"version":1,"version":1}', b"[" * 100_000])
def test_a_file_that_is_no_approval_is_malformed(octets: bytes) -> None:
    with pytest.raises(Malformed):
        Approval.from_json(octets)
