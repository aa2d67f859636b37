"""Signatures get the level that was asked for, in every format, or a sentence that says what is missing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from signing_forms import FORMS, NAMES, asked, detached
from signing_house import NOW, TEXT, house

from trustworks.core.errors import Rejected, Unavailable
from trustworks.formats.augmenting import Opened
from trustworks.formats.claims import NO_CLAIMS
from trustworks.formats.data import Octets
from trustworks.formats.evidence import Finding, Weight
from trustworks.formats.read import read
from trustworks.formats.verification import is_of_any
from trustworks.signing.create import Prepared
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.create.release import check_own, check_sound
from trustworks.signing.model import Document, Level, Onto

if TYPE_CHECKING:
    from signing_house import Person

    from trustworks.core.ports import ValidationData
    from trustworks.signing.create.process import Signed
    from trustworks.signing.model import Request

LEVELS = (Level.T, Level.LT, Level.LTA)


def creation(**changes: Any) -> Creation:
    return Creation(means=replace(house().means, **changes), terms=Terms(ed25519=True))


def signed(request: Request, person: Person | None = None, **means: Any) -> Signed:
    person = person or house().person()
    return creation(**means).sign(request, person.signer, person.sign)


REACHED = [(form, level) for form in FORMS for level in LEVELS if form != "jades-compact"]


@pytest.mark.parametrize(("form", "level"), REACHED)
def test_each_form_reaches_each_level(form: str, level: Level) -> None:
    request = replace(asked(form), level=level)
    made = signed(request)
    expected = f"{NAMES[request.format]}-BASELINE-{level.value.removeprefix('B-')}"
    assert made.level == expected
    evidence = read(made.data, detached=detached(request))
    (one,) = evidence.signatures
    assert one.level == expected
    assert all(reference.intact for reference in one.references)
    assert is_of_any(one, evidence.certificates)
    assert all(reference.intact for stamp in evidence.time_stamps for reference in stamp.references)


def test_what_was_prepared_brings_its_level_through_octets() -> None:
    person, request = house().person(), replace(asked("xades-enveloped"), level=Level.T)
    prepared = creation().prepare(request, person.signer)
    again = Prepared.decode(prepared.encode())
    made = creation().complete(again, person.sign(again.dtbs.octets), request.documents)
    assert made.level == "XAdES-BASELINE-T"


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-REACHABLE")
@pytest.mark.parametrize(("without", "code"), [("stamper", "no-stamper"), ("evidence", "no-evidence")])
def test_nothing_is_prepared_whose_level_cannot_be_reached(without: str, code: str) -> None:
    here, person = creation(**{without: None}), house().person()
    with pytest.raises(Rejected) as caught:
        here.prepare(replace(asked("cades-enveloping"), level=Level.LT), person.signer)
    assert caught.value.code == f"signing.{code}"
    here.prepare(replace(asked("cades-enveloping"), level=Level.B), person.signer)


@pytest.mark.parametrize("level", LEVELS)
def test_without_an_authority_no_level_above_b(level: Level) -> None:
    with pytest.raises(Rejected, match="no time-stamping authority is named") as caught:
        signed(replace(asked("cades-enveloping"), level=level), stamper=None)
    assert caught.value.code == "signing.no-stamper"


@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_without_evidence_no_level_above_t(level: Level) -> None:
    with pytest.raises(Rejected, match="nobody is named who finds it") as caught:
        signed(replace(asked("pades"), level=level), evidence=None)
    assert caught.value.code == "signing.no-evidence"


@pytest.mark.parametrize("level", [Level.B, Level.LTA])
@pytest.mark.parametrize("form", FORMS)
def test_what_was_made_before_is_known_again(form: str, level: Level) -> None:
    if form == "jades-compact" and level is not Level.B:
        return
    person, request = house().person(), replace(asked(form), level=level)
    data = signed(request, person).data
    # The time is put in anew, and is another.
    anew = replace(request, claims=replace(request.claims, signing_time=None))
    here = creation(clock=lambda: datetime.now(UTC) + timedelta(hours=1))
    found = here.made_before(anew, person.signer, data)
    assert found is not None
    assert found.level.endswith(level.value.removeprefix("B-"))
    assert here.made_before(anew, house().person("P-384").signer, data) is None
    more = replace(anew, claims=replace(anew.claims, claimed_roles=("director",)))
    assert here.made_before(more, person.signer, data) is None
    if level is Level.B and form != "jades-compact":
        assert here.made_before(replace(anew, level=Level.T), person.signer, data) is None


@pytest.mark.parametrize("form", ["cades-enveloping", "cades-detached", "xades-enveloped", "pades"])
def test_what_was_made_of_another_document_is_another(form: str) -> None:
    person, request = house().person(), asked(form)
    data = signed(request, person).data
    (one,) = request.documents
    other = one.data.octets().replace(b"is signed", b"was signed") + b"\n"
    changed = replace(request, documents=(replace(one, data=Octets(other, one.name)),))
    here = creation()
    assert here.made_before(request, person.signer, data) is not None
    assert here.made_before(changed, person.signer, data) is None
    assert here.made_before(request, person.signer, one.data) is None
    assert here.made_before(request, person.signer, Octets(data.octets()[:-40])) is None


class Down:
    """An authority that does not answer."""

    def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
        del digest, hash_name
        raise Unavailable("timestamping.unreachable", "The authority did not answer.")


@pytest.mark.parametrize("form", ["xades-enveloped", "pades", "asic-e-cades"])
def test_an_authority_that_is_down_is_told(form: str) -> None:
    with pytest.raises(Unavailable, match="did not answer"):
        signed(replace(asked(form), level=Level.T), stamper=Down())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"until": NOW - timedelta(days=1)}, "signer.expired"),
        ({"since": NOW + timedelta(days=1)}, "signer.not-yet-valid"),
        ({"usage": ("key_agreement",)}, "signer.key-usage"),
    ],
)
def test_a_certificate_that_may_not_sign_is_refused_before(changes: dict[str, Any], code: str) -> None:
    person = house().person(**changes)
    with pytest.raises(Rejected) as caught:
        creation().prepare(asked("pades"), person.signer)
    assert caught.value.code == code


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize(
    "form",
    [
        *("xades-enveloped", "cades-enveloping", "cades-detached", "pades", "jades-flattened", "jades-clear"),
        *("asic-s-cades", "asic-s-xades", "asic-e-cades", "asic-e-xades"),
    ],
)
def test_what_is_there_is_raised_to_a_level(form: str, level: Level) -> None:
    request = asked(form)
    made = signed(request)
    file = Octets(made.data.octets(), "signed")
    found = creation().augment(file, level, detached=detached(request))
    (change,) = found.changes
    assert change.before.endswith("-BASELINE-B")
    assert change.after == f"{NAMES[request.format]}-BASELINE-{level.value.removeprefix('B-')}"
    again = creation().augment(found.data, level, detached=detached(request))
    assert again.data.octets() == found.data.octets(), "nothing is lacking, and nothing is added"


@pytest.mark.parametrize("form", ["xades-enveloped", "cades-enveloping", "pades", "jades-flattened"])
def test_an_archive_is_renewed(form: str) -> None:
    request = replace(asked(form), level=Level.LTA)
    made = signed(request)
    before = read(made.data)
    renewed = creation().augment(Octets(made.data.octets(), "a"), Level.LTA, renew=True)
    after = read(renewed.data)
    assert len(after.time_stamps) == len(before.time_stamps) + 1
    assert renewed.changes[0].after.endswith("-LTA")
    assert all(ref.intact for one in after.time_stamps for ref in one.references)


@pytest.mark.parametrize("form", ["xades-enveloped-beside-others", "cades-enveloping", "jades-flattened"])
def test_one_of_several_is_raised_and_the_other_stays(form: str) -> None:
    request = asked(form)
    once = Octets(signed(request).data.octets(), "a")
    person = house().person("P-384")
    both = signed(replace(request, onto=Onto.PARALLEL, documents=(Document(data=once),)), person)
    first, second = read(both.data).signatures
    found = creation().augment(both.data, Level.T, only=[second.id])
    assert [one.signature for one in found.changes] == [second.id]
    levels = {one.id: one.level for one in read(found.data).signatures}
    assert levels[first.id].endswith("-B")
    assert levels[second.id].endswith("-T")


def test_a_signature_that_is_not_there_is_not_augmented() -> None:
    made = signed(asked("pades"))
    with pytest.raises(Rejected) as caught:
        creation().augment(made.data, Level.T, only=["S-none"])
    assert caught.value.code == "augmenting.signature"


def test_a_broken_signature_is_not_augmented() -> None:
    request = asked("cades-detached")
    made = signed(request)
    with pytest.raises(Rejected) as caught:
        creation().augment(made.data, Level.T, detached=[Octets(TEXT + b"x", "a.txt")])
    assert caught.value.code == "signature.own"


def test_a_stamp_of_another_digest_is_refused() -> None:
    class Wrong:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            return house().stamp(digest[::-1], hash_name)

    with pytest.raises(Rejected) as caught:
        signed(replace(asked("xades-enveloped"), level=Level.T), stamper=Wrong())
    assert caught.value.code == "adding.time-stamp"


def test_the_clock_says_when_a_certificate_is_over() -> None:
    later = Means(clock=lambda: datetime.now(UTC) + timedelta(days=1000))
    person = house().person()
    with pytest.raises(Rejected) as caught:
        Creation(means=later).prepare(asked("pades", claims=NO_CLAIMS), person.signer)
    assert caught.value.code == "signer.expired"
    with pytest.raises(Rejected) as caught:
        Creation(means=later).prepare(asked("pades"), person.signer)
    assert caught.value.code == "signing.time"


def test_the_time_is_put_in_where_none_is_claimed() -> None:
    made = signed(asked("cades-enveloping", claims=NO_CLAIMS))
    (one,) = read(made.data).signatures
    assert one.attributes.signing_time is not None
    assert abs(one.attributes.signing_time - datetime.now(UTC)) < timedelta(minutes=5)


@pytest.mark.req("TRUSTWORKS:SIGNING-OWN-VERIFIED")
def test_own_output_is_looked_at_by_our_own_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    made = signed(asked("xades-detached"))
    other = asked("xades-detached").documents[1].data
    opened = Opened(made.data, detached=[Octets(TEXT + b"x", "a.txt"), other])
    with pytest.raises(Rejected) as caught:
        check_own(opened.targets[0])
    assert caught.value.code == "signature.own"
    for name in ("complete", "unread"):
        monkeypatch.setattr(Prepared, name, lambda *_, **__: Octets(made.data.octets(), "a.xml"))
    with pytest.raises(Rejected, match="not found again"):
        signed(asked("xades-detached"))


@pytest.mark.req("TRUSTWORKS:SIGNING-OWN-VERIFIED")
@pytest.mark.parametrize("old", [b"what is signed", b"<xades:SigningTime>2", b"</ds:SignedInfo>"])
def test_a_document_that_was_changed_in_what_was_prepared_is_not_given_out(old: bytes) -> None:
    """Its value holds over what was prepared beside it; what leaves is read, and does not."""
    person, request = house().person(), asked("xades-enveloped")
    prepared = creation().prepare(request, person.signer)
    inner: Any = prepared.inner
    assert inner.document.count(old) == 1
    new = old.replace(b"signed", b"forged").replace(b">2", b">1").replace(b"</ds", b" </ds")
    place = inner.place + (len(new) - len(old)) * (inner.document.index(old) < inner.place)
    other = replace(inner, document=inner.document.replace(old, new), place=place)
    value = person.sign(prepared.dtbs.octets)
    with pytest.raises(Rejected) as caught:
        creation().complete(replace(prepared, inner=other), value, request.documents)
    assert caught.value.code == "signature.own"


@pytest.mark.req("TRUSTWORKS:SIGNING-OWN-SOUND")
def test_a_fault_of_structure_that_is_new_is_refused() -> None:
    opened = Opened(signed(asked("cades-enveloping")).data)
    fault = Finding(code="cms.attribute-repeated", text="Twice.", weight=Weight.SUSPICIOUS)
    evidence, named = opened.evidence, opened.targets[0].id
    check_sound(evidence, lambda: None, named)
    worse = replace(evidence, findings=(fault,))
    with pytest.raises(Rejected, match=r"not given out. Twice"):
        check_sound(worse, lambda: None, named)
    check_sound(worse, lambda: worse, named)
    fatal = replace(evidence, findings=(replace(fault, weight=Weight.FATAL),))
    with pytest.raises(Rejected, match=r"no file with this in it .* Twice"):
        check_sound(fatal, lambda: fatal, named)


class Revoking:
    """An authority that says of every certificate that it is revoked, or suspended."""

    def __init__(self, code: str) -> None:
        self.code = code

    def evidence_of(self, *_: object, **__: object) -> ValidationData:
        raise Rejected(self.code, "TEST signer: it is so since yesterday.")


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-REVOKED", "TS119101:SCP-36")
@pytest.mark.parametrize("code", ["evidence.revoked", "evidence.suspended"])
def test_a_certificate_that_is_revoked_is_refused_before_anything_is_signed(code: str) -> None:
    with pytest.raises(Rejected, match=r"revoked \(TEST signer: it is so since yesterday\)\. Sign") as caught:
        creation(evidence=Revoking(code)).prepare(asked("pades"), house().person().signer)
    assert caught.value.code == "signer.revoked"


@pytest.mark.req("TRUSTWORKS:SIGNING-CERTIFICATE-REVOKED", "TS119101:SCP-36")
def test_a_certificate_that_was_revoked_meanwhile_completes_nothing() -> None:
    person, request = house().person(), asked("pades")
    prepared = creation().prepare(request, person.signer)
    value = person.sign(prepared.dtbs.octets)
    with pytest.raises(Rejected) as caught:
        creation(evidence=Revoking("evidence.revoked")).complete(prepared, value, request.documents)
    assert caught.value.code == "signer.revoked"


@pytest.mark.req("TRUSTWORKS:SIGNING-DEVICE", "TS119101:SCP-86")
def test_where_a_device_is_asked_for_the_certificate_states_it() -> None:
    wanting = Creation(means=house().means, terms=Terms(device=True))
    with pytest.raises(Rejected) as caught:
        wanting.prepare(asked("pades"), house().person().signer)
    assert caught.value.code == "signer.device"


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-NOT-TOO-LATE")
@pytest.mark.parametrize("form", ["cades-enveloping", "xades-enveloped", "pades", "jades-flattened"])
def test_no_time_stamp_is_spent_on_a_signature_whose_certificate_ended(form: str) -> None:
    class Counting:
        asked = 0

        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            self.asked += 1
            return house().stamp(digest, hash_name)

    made = signed(asked(form))
    counting = Counting()
    later = Means(clock=lambda: NOW + timedelta(days=1000), stamper=counting)
    with pytest.raises(Rejected) as caught:
        Creation(means=later).augment(Octets(made.data.octets(), "a"), Level.T)
    assert (caught.value.code, counting.asked) == ("signature.too-late", 0)


@pytest.mark.req("TS119101:SAP-6")
@pytest.mark.parametrize("form", ["cades-enveloping", "xades-enveloped", "pades", "jades-flattened"])
def test_the_time_of_a_signature_is_proven_before_anything_else_is_fetched(form: str) -> None:
    asked_for: list[str] = []

    class Recording:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            asked_for.append("time-stamp")
            return house().stamp(digest, hash_name)

        def evidence_of(self, *given: Any, **further: Any) -> ValidationData:
            asked_for.append("status")
            return house().evidence_of(*given, **further)

    file = Octets(signed(asked(form)).data.octets(), "a")
    recording = Recording()
    creation(stamper=recording, evidence=recording).augment(file, Level.LT)
    assert asked_for[0] == "time-stamp"
    assert set(asked_for[1:]) == {"status"}
