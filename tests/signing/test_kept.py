"""Nothing of a signed file is lost by another signature, and no level is had by what shows nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import pytest
from signed_stories import jades_stamped, xades_stamped
from signing_forms import USUAL, asked, detached
from signing_house import NOW, TEXT, house

from trustworks.core.errors import Rejected, Unavailable
from trustworks.formats.data import Octets
from trustworks.formats.limits import Limits
from trustworks.formats.read import read
from trustworks.formats.xades.creating.unsigned import SIGNATURE_TIME_STAMP
from trustworks.signing.create.levels import Means
from trustworks.signing.create.process import Creation, Terms
from trustworks.signing.model import Document, Level, Onto, Packaging, XadesChoices
from trustworks.signing.rules.level import check_stamps_hold

if TYPE_CHECKING:
    from trustworks.formats.data import Data
    from trustworks.signing.create.process import Signed
    from trustworks.signing.model import Request


def creation(**changes: Any) -> Creation:
    return Creation(means=replace(house().means, **changes), terms=Terms(lab=True))


def signed(request: Request, **changes: Any) -> Signed:
    person = house().person()
    return creation(**changes).sign(request, person.signer, person.sign)


def again(made: Data, *beside: Document, **changes: Any) -> Request:
    file = Document(data=Octets(made.octets(), "signed.xml"), media_type="text/xml")
    return asked("xades-enveloped", documents=(file, *beside), **changes)


@pytest.mark.req("TRUSTWORKS:SIGNING-OTHERS-KEPT")
@pytest.mark.parametrize(
    "changes",
    [
        {"onto": Onto.PARALLEL},
        {},
        {"packaging": Packaging.INTERNALLY_DETACHED, "xades": XadesChoices(parts=("b",))},
        {"xades": XadesChoices(within="b")},
    ],
)
def test_a_signature_that_would_break_another_is_not_given_out(changes: dict[str, Any]) -> None:
    made = signed(asked("xades-enveloped")).data
    with pytest.raises(Rejected, match="not made with room for others") as caught:
        signed(again(made, **changes))
    assert caught.value.code == "signing.breaks"


def test_a_signature_with_room_for_others_is_kept() -> None:
    made = signed(asked("xades-enveloped-beside-others")).data
    found = read(signed(again(made, onto=Onto.PARALLEL)).data)
    assert all(one.intact for each in found.signatures for one in each.references)


@pytest.mark.req("TRUSTWORKS:SIGNING-PARALLEL-SAME")
@pytest.mark.parametrize("form", ["cades-detached", "jades-beside"])
def test_a_parallel_signature_is_over_the_same(form: str) -> None:
    request = asked(form)
    file = Document(data=Octets(signed(request).data.octets(), "a.p7s"))
    other = Document(data=Octets(TEXT + b"x", "a.txt"))
    parallel = replace(request, onto=Onto.PARALLEL)
    with pytest.raises(Rejected, match=r"over something else|is not at hand") as caught:
        signed(replace(parallel, documents=(file, other)))
    assert caught.value.code == "signing.documents"
    with pytest.raises(Rejected, match="not at hand"):
        signed(replace(parallel, documents=(file,)))
    both = signed(replace(parallel, documents=(file, *request.documents)))
    assert len(read(both.data, detached=detached(request)).signatures) == 2


def test_a_document_that_nobody_signs_is_refused() -> None:
    request = asked("cades-enveloping")
    file = Document(data=Octets(signed(request).data.octets(), "a.p7m"))
    extra = Document(data=Octets(b"other", "b.txt"))
    with pytest.raises(Rejected) as caught:
        signed(replace(request, onto=Onto.PARALLEL, documents=(file, extra)))
    assert caught.value.code == "signing.documents"


def of_another(octets: bytes) -> bytes:
    """A token over other octets, of long ago."""
    del octets
    return house().stamp(b"\x01" * 32, time=datetime.now(UTC) - timedelta(days=20))


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-HOLDS")
@pytest.mark.parametrize("form", ["xades-enveloped", "jades-flattened"])
def test_a_time_stamp_of_something_else_counts_for_nothing(
    form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is put together by a writer that looks at nothing, as a stranger's may be."""
    for module in ("xades.creating.unsigned", "jades.creating.unsigned"):
        monkeypatch.setattr(f"trustworks.formats.{module}.check_added", lambda *_, **__: None)
    request = asked(form, **({"xades": XadesChoices(id="S1")} if form.startswith("xades") else {}))
    made = signed(request).data.octets()
    if form.startswith("xades"):
        false = xades_stamped(made, of_another, SIGNATURE_TIME_STAMP)
    else:
        false = jades_stamped(made, of_another, "sigTst")
    monkeypatch.undo()
    asked_at: list[datetime] = []

    class Source:
        def evidence_of(self, certificate: bytes, at: datetime, **given: Any) -> Any:
            asked_at.append(at)
            return house().evidence_of(certificate, at, **given)

    found = creation(evidence=Source()).augment(Octets(false, "a"), Level.LTA)
    assert found.changes[0].after.endswith("-LTA")
    evidence = read(found.data)
    assert sum(all(ref.intact for ref in one.references) for one in evidence.time_stamps) == 2
    assert all(at > NOW - timedelta(days=1) for at in asked_at), "nobody is asked as of the false time"


@pytest.mark.req("TRUSTWORKS:SIGNING-STAMP-TIME")
@pytest.mark.parametrize("days", [-90, 400])
def test_a_new_time_stamp_of_another_time_is_refused(days: int) -> None:
    class Wrong:
        def stamp(self, digest: bytes, hash_name: str = "sha256") -> bytes:
            return house().stamp(digest, hash_name, time=datetime.now(UTC) + timedelta(days=days))

    with pytest.raises(Unavailable) as caught:
        signed(replace(asked("pades"), level=Level.T), stamper=Wrong())
    assert caught.value.code == "signing.time-stamp"


@pytest.mark.req("TRUSTWORKS:SIGNING-PREPARED-TIME")
@pytest.mark.parametrize("form", [*USUAL, "asic-e-cades"])
def test_what_was_prepared_long_ago_is_not_completed(form: str) -> None:
    person, request = house().person(), asked(form)
    prepared = creation().prepare(request, person.signer)
    value = person.sign(prepared.dtbs.octets)
    later = Creation(means=Means(clock=lambda: datetime.now(UTC) + timedelta(days=2)), terms=Terms(lab=True))
    with pytest.raises(Rejected, match="prepared anew") as caught:
        later.complete(prepared, value, request.documents)
    assert caught.value.code == "signing.too-old"
    over = Creation(means=Means(clock=lambda: datetime.now(UTC) + timedelta(days=999)), terms=Terms(lab=True))
    with pytest.raises(Rejected) as caught:
        over.complete(prepared, value, request.documents)
    assert caught.value.code == "signer.expired"


def test_status_that_is_not_told_yet_says_what_to_do_meanwhile() -> None:
    class Later:
        def evidence_of(self, certificate: bytes, at: datetime, **given: Any) -> Any:
            if given.get("since") is not None:
                raise Unavailable("evidence.not-fresh", "The next is due tomorrow.", again=NOW)
            return house().evidence_of(certificate, at, **given)

    with pytest.raises(Unavailable, match=r"due tomorrow\. Sign at level B-T meanwhile") as caught:
        signed(replace(asked("pades"), level=Level.LT), evidence=Later())
    assert caught.value.again == NOW


def test_a_pdf_that_is_signed_after_an_archive_is_archived_again() -> None:
    once = signed(replace(asked("pades"), level=Level.LTA)).data
    file = Document(data=Octets(once.octets(), "a.pdf"))
    twice = signed(replace(asked("pades"), documents=(file,))).data
    found = creation().augment(Octets(twice.octets(), "a.pdf"), Level.LTA)
    assert all(one.after == "PAdES-BASELINE-LTA" for one in found.changes)
    assert len(found.changes) == 2


@pytest.mark.req("TRUSTWORKS:SIGNING-LEVEL-HOLDS")
def test_a_level_by_form_alone_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("trustworks.formats.jades.creating.unsigned.check_added", lambda *_, **__: None)
    false = jades_stamped(signed(asked("jades-flattened")).data.octets(), of_another, "sigTst")
    evidence = read(Octets(false))
    (one,) = evidence.signatures
    assert one.level == "JAdES-BASELINE-T"
    with pytest.raises(Rejected, match="by its form alone") as caught:
        check_stamps_hold(evidence, one, Level.T)
    assert caught.value.code == "signature.level"
    check_stamps_hold(evidence, one, Level.B)


@pytest.mark.req("TRUSTWORKS:SIGNING-REQUEST-SIZE")
@pytest.mark.parametrize(
    ("form", "refused"),
    [
        *((one, True) for one in ("jades-flattened", "xades-enveloped")),
        *(
            (one, False)
            for one in ("cades-enveloping", "cades-detached", "jades-by-hash", "asic-e-cades", "pades")
        ),
    ],
)
def test_what_could_not_be_read_again_is_refused_before_the_key_signs(form: str, *, refused: bool) -> None:
    person, request = house().person(), asked(form)
    small = Creation(means=house().means, terms=Terms(lab=True), limits=Limits(parsed=20))
    if not refused:
        small.prepare(request, person.signer)
        return
    with pytest.raises(Rejected, match="Sign them detached") as caught:
        small.prepare(request, person.signer)
    assert caught.value.code == "signing.too-large"
