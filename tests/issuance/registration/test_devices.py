"""Certificates that promise a device: what shows it, what refuses them, and what follows when it is lost."""

from __future__ import annotations

import hashlib
from contextlib import ExitStack, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from issuance_testbed import START
from registration_testbed import CARD, DEVICES, applied, ask, handed_over, seen
from sqlalchemy import text

from trustworks.app.configuration_check import _devices
from trustworks.app.health.heartbeat import TaskState
from trustworks.app.processes.tasks import devices as watch
from trustworks.core.errors import Malformed, Refused, Rejected, Unavailable
from trustworks.core.pki.certificates import readable_pem
from trustworks.issuance.config.registration import RegistrationSettings
from trustworks.issuance.model import RevocationReason
from trustworks.issuance.model.requests import Door
from trustworks.issuance.profiles import PROFILES, profile_named
from trustworks.issuance.registration import attestation, device_records, rules
from trustworks.issuance.registration.model import DeviceEvidence, DeviceProduct
from trustworks.issuance.rules.devices import check_device_is_shown, device_promised

if TYPE_CHECKING:
    from issuance_testbed import Provider

    from trustworks.issuance.registration.model import Application, NewApplication
    from trustworks.issuance.registration.service import Registration

DAY = START.date()
QSCD, SECURE = "EN319411-2:SDP-6.5.1-QSCD", "EN319411-1:SDP-6.5.1-DEVICE"
VECTORS = Path(__file__).resolve().parents[2] / "vectors" / "yubico"
KEY = "00" * 32
one_database = pytest.mark.parametrize("store_settings", ["sqlite"], indirect=True)


# The rules

PRODUCT = DeviceProduct(
    name=CARD,
    kind="qscd",
    certified_until=DAY,
    reference="TEST-CC-1",
    ways=frozenset({"personalised"}),
)


def device(**changes: Any) -> DeviceEvidence:
    given: dict[str, Any] = {
        "id": "d1",
        "product": CARD,
        "way": "personalised",
        "key_id": KEY,
        "serial_number": "CARD-1",
        "source": "receipt 17",
        "established_on": DAY,
        "recorded_at": START,
        "recorded_by": "ra-desk",
    }
    return DeviceEvidence(**{**given, **changes})


def on_card(*devices: DeviceEvidence, profile: str = "natural-qcp-n-qscd") -> Application:
    asked: NewApplication = ask(profile=profile, csr=b"")
    return applied(asked, devices=devices)


def objections(application: Application, *, day: date = DAY, **changes: Any) -> list[tuple[str, str]]:
    profile = profile_named(application.asked.profile)
    products = {CARD: replace(PRODUCT, **changes)}
    found = rules.key_is_in_a_device(application, profile, products, day)
    return [(one.requirement, one.sentence) for one in found]


def test_these_profiles_promise_a_device() -> None:
    promised = {name: device_promised(one) for name, one in PROFILES.items() if device_promised(one)}
    assert {name for name, kind in promised.items() if kind == "qscd"} == {
        *("natural-qcp-n-qscd", "natural-qcp-n-qscd-short-term"),
        *("legal-qcp-l-qscd", "legal-qcp-l-qscd-short-term", "psd2-qseal"),
    }
    assert {name for name, kind in promised.items() if kind == "secure-device"} == {
        *("natural-ncp-plus", "legal-ncp-plus"),
        *("seal-validation-report", "seal-preservation", "seal-edelivery"),
    }


@pytest.mark.req("EN319411-2:SDP-6.5.1-QSCD", "EN319411-1:SDP-6.5.1-DEVICE")
def test_a_promise_of_a_device_is_kept() -> None:
    assert objections(on_card(device())) == []
    assert objections(on_card(profile="natural-qcp-n")) == []
    ((requirement, sentence),) = objections(on_card())
    assert (requirement, "registration device record a1" in sentence) == (QSCD, True)
    ((requirement, _),) = objections(on_card(profile="natural-ncp-plus"))
    assert requirement == SECURE


@pytest.mark.req("EN319411-2:SDP-6.5.1-QSCD", "EN319411-1:SDP-6.5.1-DEVICE")
@pytest.mark.parametrize(
    ("shown", "changes", "why"),
    [
        ({"key_id": "11" * 32}, {}, "another key"),
        ({"product": "other card"}, {}, "no longer among those"),
        ({"way": "attestation"}, {}, "shows nothing any longer"),
        ({}, {"kind": "secure-device"}, "no qualified signature or seal creation device"),
        ({}, {"certified_until": DAY - timedelta(days=1)}, "ended on"),
        ({}, {"lost_on": DAY}, "lost its certification"),
    ],
)
def test_a_device_that_does_not_count_is_refused(
    shown: dict[str, Any], changes: dict[str, Any], why: str
) -> None:
    ((requirement, sentence),) = objections(on_card(device(**shown)), **changes)
    assert requirement == QSCD
    assert why in sentence
    # What was recorded last counts, and nothing before it.
    assert objections(on_card(device(), device(**shown)), **changes) != []


@pytest.mark.req("EN319411-1:SDP-6.5.1-DEVICE")
def test_a_secure_device_is_enough_for_ncp_plus_and_a_loss_counts_from_its_day() -> None:
    plus = on_card(device(), profile="natural-ncp-plus")
    assert objections(plus, kind="secure-device") == []
    assert objections(plus, lost_on=DAY + timedelta(days=1)) == []
    assert objections(plus, lost_on=DAY)[0][0] == SECURE


@pytest.mark.req("TRUSTWORKS:DEVICE-SHOWN")
def test_no_door_beside_registration_promises_a_device() -> None:
    card, plus, bare = map(profile_named, ("natural-qcp-n-qscd", "legal-ncp-plus", "natural-qcp-n"))
    for profile, door, own in (
        (card, Door.OFFICER, True),
        (plus, Door.OFFICER, False),
        (plus, Door.PROVIDER, False),
        (plus, Door.API, False),
    ):
        with pytest.raises(Refused, match="register an application"):
            check_device_is_shown(profile, door, own=own, lab=False)
    check_device_is_shown(card, Door.APPLICATION, own=False, lab=False)
    check_device_is_shown(plus, Door.PROVIDER, own=True, lab=False)  # its own seal, in its module
    check_device_is_shown(bare, Door.OFFICER, own=False, lab=False)
    check_device_is_shown(card, Door.OFFICER, own=False, lab=True)


@pytest.mark.req("TRUSTWORKS:DEVICE-KEY")
def test_a_device_with_another_key_is_refused() -> None:
    rules.check_key(KEY, on_card())
    with pytest.raises(Refused, match="holds the key 11"):
        rules.check_key("11" * 32, on_card())


@pytest.mark.req("TRUSTWORKS:DEVICE-OWN-MODULE")
def test_an_own_key_is_on_tokens_of_the_product() -> None:
    own = replace(PRODUCT, tokens=frozenset({"services", "spare"}))
    rules.check_own_module(["services"], own, state="operational")
    for tokens, state in (
        (["services"], None),
        (["services"], "suspended"),
        (["services", "other"], "operational"),
        ([], "operational"),
    ):
        with pytest.raises(Refused):
            rules.check_own_module(tokens, own, state=state)


@pytest.mark.parametrize(
    "changes",
    [
        {"key_id": "no hash"},
        {"serial_number": " "},
        {"serial_number": "x" * 201},
        {"source": "me"},
        {"source": "by\x07me"},
        {"established_on": DAY + timedelta(days=1)},
    ],
)
def test_a_handover_says_what_when_and_by_whom(changes: dict[str, Any]) -> None:
    rules.check_handover(device(), DAY)
    with pytest.raises(Rejected):
        rules.check_handover(device(**changes), DAY)


@pytest.mark.req("TRUSTWORKS:REGISTRATION-DUAL-CONTROL")
def test_who_recorded_the_device_leaves_the_decision_to_another() -> None:
    with pytest.raises(Refused):
        rules.check_another_saw_the_evidence(on_card(device(recorded_by="ben")), "ben")
    with pytest.raises(Refused):
        rules.check_another_saw_the_evidence(on_card(device(recorded_by="api:one")), "api:two")


@pytest.mark.parametrize(
    "wrong",
    [
        {"shown-by": ["attestation"]},
        {"attestation-roots": "maker.pem"},
        {"shown-by": ["attestation"], "attestation-roots": "maker.pem"},  # of any firmware
        {"firmware": ["5.7.4"]},
        {"marked": "fips"},
        {"form-factors": ["usb-a-nano"]},
        {"shown-by": ["own-module"]},
        {"tokens": ["services"]},
        {"shown-by": []},
        {"kind": "card"},
    ],
)
def test_settings_that_contradict_themselves(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=r"devices"):
        RegistrationSettings.model_validate({"devices": [{**DEVICES[0], **wrong}]})
    with pytest.raises(ValueError, match="twice"):
        RegistrationSettings.model_validate({"devices": [DEVICES[0], DEVICES[0]]})


# Attestations

NOW = datetime(2026, 11, 27, tzinfo=UTC)


def test_what_a_real_device_says_of_its_key() -> None:
    roots = readable_pem((VECTORS / "piv-root-263751.pem").read_bytes())
    found = attestation.verify((VECTORS / "attestation-9c.pem").read_bytes(), roots, at=NOW)
    assert (found.serial_number, found.firmware, found.pin) == ("13078782", "5.2.6", "always")
    assert found.key_id == "ad8557bc86e0a0a44a69b28cc9ff01965b85a773d329d81fc8cced18c9ce4ef3"
    assert found.root == "CN=Yubico PIV Root CA Serial 263751"
    assert len(found.chain) == 2
    assert (found.form_factor, found.marks) == ("usb-c-keychain", frozenset())


@pytest.mark.req("TRUSTWORKS:DEVICE-AS-CERTIFIED")
def test_another_device_of_the_same_maker_is_no_certified_one() -> None:
    bare = replace(PRODUCT, firmware=frozenset({"5.7.4"}))
    fips = replace(bare, marked="fips", form_factors=frozenset({"usb-c-nano", "usb-a-nano"}))
    rules.check_as_certified(bare, "5.7.4", (), None)
    rules.check_as_certified(fips, "5.7.4", ("cspn", "fips"), "usb-c-nano")
    for product, firmware, marks, form, why in (
        (bare, "5.2.6", (), None, r"firmware 5\.2\.6"),
        (PRODUCT, "5.7.4", (), None, "is none"),
        (fips, "5.7.4", (), "usb-c-nano", "does not mark the device as fips"),
        (fips, "5.7.4", ("cspn",), "usb-c-nano", "does not mark the device as fips"),
        (fips, "5.7.4", ("fips",), "usb-a-keychain", "form factor of the device is usb-a-keychain"),
        (fips, "5.7.4", ("fips",), None, "not told"),
    ):
        with pytest.raises(Rejected, match=why):
            rules.check_as_certified(product, firmware, marks, form)  # type: ignore[arg-type]


class Maker:
    """A maker of devices with its root, a device, and what that says of keys."""

    def __init__(self) -> None:
        self.root_key, self.device_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self.root = self.certify("Maker", self.root_key, "Maker", self.root_key, ca=True)
        self.device = self.certify("Device", self.device_key, "Maker", self.root_key, ca=True)

    def certify(
        self,
        subject: str,
        key: Any,
        issuer: str,
        by: Any,
        *,
        ca: bool = False,
        says: dict[x509.ObjectIdentifier, bytes] | None = None,
    ) -> x509.Certificate:
        def name(text: str) -> x509.Name:
            return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, text)])

        public = key if not hasattr(key, "public_key") else key.public_key()
        builder = (
            x509.CertificateBuilder()
            .subject_name(name(subject))
            .issuer_name(name(issuer))
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(datetime(2016, 3, 14, tzinfo=UTC))
            .not_valid_after(datetime(2049, 1, 1, tzinfo=UTC))
        )
        if ca:
            builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        for kind, value in (says or {}).items():
            builder = builder.add_extension(x509.UnrecognizedExtension(kind, value), critical=False)
        return builder.sign(by, hashes.SHA256())

    def says(
        self,
        key: Any,
        *,
        policy: bytes = b"\x03\x02",
        by: Any = None,
        without: x509.ObjectIdentifier | None = None,
        form: bytes = b"\x01",
        marks: tuple[x509.ObjectIdentifier, ...] = (),
        device: x509.Certificate | None = None,
    ) -> bytes:
        told = {
            **dict.fromkeys(marks, b""),
            attestation.FORM_FACTOR: form,
            attestation.FIRMWARE: b"\x05\x07\x04",
            attestation.SERIAL: b"\x02\x01\x07",
            attestation.POLICY: policy,
        }
        told = {kind: value for kind, value in told.items() if kind != without}
        statement = self.certify("Statement", key, "Device", by or self.device_key, says=told)
        return pem(statement, device or self.device)


def pem(*certificates: x509.Certificate) -> bytes:
    return b"".join(one.public_bytes(Encoding.PEM) for one in certificates)


@pytest.fixture(scope="module")
def maker() -> Maker:
    return Maker()


@pytest.mark.req("TRUSTWORKS:DEVICE-ATTESTED")
def test_what_is_no_attestation_of_the_maker_is_refused(maker: Maker) -> None:
    key, stranger = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    good = maker.says(key)

    def told(octets: bytes, *roots: x509.Certificate) -> attestation.Attested:
        return attestation.verify(octets, roots or (maker.root,), at=NOW)

    assert told(good).serial_number == "7"
    # Newer firmware puts the same octets into an OCTET STRING.
    assert told(maker.says(key, policy=b"\x04\x02\x02\x01")).pin == "once"
    # What is certified its maker says in the device's certificate, which it signs, and the device of itself.
    fips, cspn = attestation.MARKS
    marked = maker.certify("Device", maker.device_key, "Maker", maker.root_key, ca=True, says={fips: b""})
    found = told(maker.says(key, form=b"\x82", device=marked))
    assert (found.marks, found.form_factor) == (frozenset({"fips"}), "usb-a-nano")
    found = told(maker.says(key, form=b"\x04\x01\x03", marks=(fips, cspn)))
    assert (found.marks, found.form_factor) == (frozenset(), "usb-c-keychain")
    for unknown in (maker.says(key, form=b"\x3f"), maker.says(key, without=attestation.FORM_FACTOR)):
        assert told(unknown).form_factor is None
    with pytest.raises(Rejected, match="leads to no root"):
        told(maker.says(key, by=stranger))
    with pytest.raises(Rejected, match="leads to no root"):
        told(good, Maker().root)
    by_root = maker.certify("Statement", key, "Maker", maker.root_key)
    for alone in (by_root, maker.root):
        with pytest.raises(Rejected, match="not by a device"):
            told(pem(alone, maker.root))
    for policy in (b"\x01\x01", b"\x00\x00", b"\x09\x01"):
        with pytest.raises(Refused, match="sole control"):
            told(maker.says(key, policy=policy))
    for malformed in (
        pem(maker.device),
        good + pem(*[maker.device] * 6),
        maker.says(key, policy=b"\x03"),
        maker.says(key, form=b"\x01\x02\x03"),
        maker.says(key, without=attestation.SERIAL),
        b"no certificates",
    ):
        with pytest.raises(Malformed):
            told(malformed)


# At the desk


def ready(desk: Registration, profile: str = "natural-qcp-n-qscd") -> str:
    identifier = desk.submit(ask(profile=profile), by="ra-desk").id
    seen(desk, identifier)
    return identifier


def approve(desk: Registration, identifier: str) -> Any:
    return desk.approve(identifier, by="olga", reason="Seen in person.")


@pytest.mark.req("EN319411-2:SDP-6.5.1-QSCD", "EN319411-2:SDP-6.5.1-MONITORED")
def test_a_device_is_recorded_certified_and_lost(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    with pytest.raises(Refused) as caught:
        approve(desk, identifier)
    assert caught.value.requirement == QSCD
    application = desk.application(identifier)
    for wrong in (
        handed_over(application, product="unknown"),
        handed_over(application, way="own-module"),
        handed_over(application, established_on=None),
        handed_over(application, serial_number=""),
    ):
        with pytest.raises(Rejected):
            desk.record_device(identifier, wrong, by="ra-desk")
    with pytest.raises(Refused, match="holds the key"):
        desk.record_device(identifier, handed_over(application, key_id="11" * 32), by="ra-desk")
    assert desk.application(identifier).devices == ()
    made = desk.record_device(identifier, handed_over(application), by="ra-desk")
    assert desk.application(identifier).device == made
    serial = approve(desk, identifier).serial
    waiting = ready(desk)
    desk.record_device(waiting, handed_over(desk.application(waiting)), by="ra-desk")

    with pytest.raises(Rejected, match="not recorded"):
        list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita"))
    for on, why in ((DAY + timedelta(days=1), "The card was broken."), (DAY, "")):
        with pytest.raises(Rejected):
            desk.lose_product(CARD, on=on, why=why, by="rita")
    (one,) = desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita")
    assert one.serial == serial
    with pytest.raises(Refused, match="lost its certification"):
        approve(desk, waiting)
    assert [len(one.concerned) for one in desk.products()] == [1, 0]
    assert list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita")) == [serial]
    record = provider.issuance.find(serial)
    assert record is not None
    assert record.revocation is not None
    assert record.revocation.reason is RevocationReason.privilegeWithdrawn
    assert desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita") == ()
    assert list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita")) == []


@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
def test_a_product_that_is_lost_while_a_certificate_is_made(
    desk: Registration, provider: Provider, monkeypatch: pytest.MonkeyPatch
) -> None:
    identifier = ready(desk)
    desk.record_device(identifier, handed_over(desk.application(identifier)), by="ra-desk")
    issue = provider.issuance.issue

    def and_lose(*given: Any, **named: Any) -> Any:
        desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita")  # after the review
        return issue(*given, **named)

    monkeypatch.setattr(provider.issuance, "issue", and_lose)
    done = approve(desk, identifier)
    assert (done.state, done.serial) == ("refused", None)
    assert done.decisions[-1].reason.startswith(f"EN319411-2:SDP-6.5.1-MONITORED: {CARD} lost its ")
    assert provider.issuance.list(state="issued", subject="Muster") == []
    assert [one.concerned for one in desk.products()] == [(), ()]


@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
def test_only_a_promised_device_that_was_lost_stands_in_the_way() -> None:
    lost = {CARD: DAY}
    rules.check_not_lost(on_card(device()), None, lost)
    rules.check_not_lost(on_card(), "qscd", lost)
    rules.check_not_lost(on_card(device(product="other")), "qscd", lost)
    with pytest.raises(Refused, match="while the certificate was made"):
        rules.check_not_lost(on_card(device()), "secure-device", lost)


@pytest.mark.parametrize("store_settings", ["postgresql"], indirect=True)
def test_no_loss_is_recorded_between_the_last_look_and_the_certificate(provider: Provider) -> None:
    insert = text("LOCK TABLE device_losses IN ROW EXCLUSIVE MODE NOWAIT")  # what an insertion takes first
    with provider.database.begin() as issuing, provider.database.begin() as also_issuing:
        device_records.keep_losses_out(issuing)
        device_records.keep_losses_out(also_issuing)
        with pytest.raises(Unavailable), provider.database.begin() as losing:
            losing.execute(insert)
    with provider.database.begin() as losing:
        losing.execute(insert)


@one_database
@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
def test_a_second_look_revokes_what_came_meanwhile(
    desk: Registration, monkeypatch: pytest.MonkeyPatch
) -> None:
    serials = []
    for _ in range(2):
        identifier = ready(desk)
        desk.record_device(identifier, handed_over(desk.application(identifier)), by="ra-desk")
        serials.append(approve(desk, identifier).serial)
    desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita")
    concerned, looks = device_records.concerned, []

    def at_first_one(*given: Any) -> Any:
        looks.append(given)
        return [one for one in concerned(*given) if len(looks) > 1 or one.serial == serials[0]]

    monkeypatch.setattr(device_records, "concerned", at_first_one)
    assert list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita")) == serials


def with_products(desk: Registration, provider: Provider, *products: dict[str, Any]) -> Registration:
    """The desk as it is after its settings were changed."""
    return type(desk)(
        RegistrationSettings.model_validate({"devices": products}),
        issuance=provider.issuance,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
    )


@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
def test_a_product_that_left_the_settings_is_watched_and_lost(desk: Registration, provider: Provider) -> None:
    identifier = ready(desk)
    desk.record_device(identifier, handed_over(desk.application(identifier)), by="ra-desk")
    serial = approve(desk, identifier).serial
    # A product is named, and no card; nothing of the stick that is named was recorded.
    desk = with_products(desk, provider, DEVICES[1])
    stick, card = desk.products()
    assert (stick.name, stick.concerned, stick.has_ended(DAY)) == ("TEST stick", (), False)
    assert (card.name, card.product, [one.serial for one in card.concerned]) == (CARD, None, [serial])
    assert card.has_ended(DAY)
    with pytest.raises(Rejected, match="nor was a device of it recorded; there is: TEST card, TEST stick"):
        desk.lose_product("TEST ring", on=DAY, why="The ring was broken.", by="rita")
    (one,) = desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita")
    assert one.serial == serial
    assert desk.products()[1].lost_on == DAY
    assert list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita")) == [serial]
    assert [one.concerned for one in desk.products()] == [(), ()]


@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
@pytest.mark.parametrize(
    ("until", "lost_on", "ended", "why"),
    [
        (DAY + timedelta(days=91), None, None, ""),
        (DAY + timedelta(days=90), None, False, "ends on"),
        (DAY, None, False, "ends on"),
        (DAY - timedelta(days=1), None, True, "ended on"),
        (None, None, True, "no longer among"),
        (DAY + timedelta(days=91), DAY, True, "lost its certification on"),
        (None, DAY, True, "lost its certification on"),
    ],
)
def test_a_certification_that_is_over_or_ends_soon_is_told(
    until: date | None, lost_on: date | None, *, ended: bool | None, why: str
) -> None:
    found = rules.certification_end(CARD, until, lost_on, DAY)
    assert (None if found is None else found.ended) == ended
    assert why in ("" if found is None else found.sentence)


@one_database
@pytest.mark.req("EN319411-2:SDP-6.5.1-MONITORED")
def test_the_clock_and_the_check_of_the_configuration_tell_of_it(
    desk: Registration, provider: Provider
) -> None:
    def told(*products: dict[str, Any]) -> tuple[str | TaskState, list[str]]:
        settings = provider.issuance.settings.model_copy(
            update={"registration": RegistrationSettings.model_validate({"devices": products})}
        )
        wiring: Any = SimpleNamespace(
            config=SimpleNamespace(issuance=settings),
            issuance_settings=settings,
            open_database=lambda: nullcontext(provider.database),
            open_clock=lambda: provider.clock,
        )
        with ExitStack() as stack:
            return watch(wiring, stack)(), list(_devices(wiring))

    far = {**DEVICES[0], "certified-until": date(2199, 12, 31)}
    well = "Every device that certificates stand on is certified for a while."
    assert told() == (well, [])  # nothing stands on what is not named
    identifier = ready(desk)
    desk.record_device(identifier, handed_over(desk.application(identifier)), by="ra-desk")
    assert told() == (well, [])  # nor does an application without a certificate
    serial = approve(desk, identifier).serial
    assert serial is not None
    assert told(far) == (well, [])
    task, checked = told({**far, "certified-until": datetime.now(UTC).date() + timedelta(days=30)})
    assert checked[0].startswith(f"issuance.registration.devices: The certification of {CARD} ends on ")
    assert "1 valid certificate(s) stand on it: trustworks registration device list." in checked[0]
    task, _ = told(DEVICES[0])
    assert "ends on" in str(task)
    task, checked = told()
    assert isinstance(task, TaskState)
    assert (task.ok, task.code) == (False, "devices.uncertified")
    assert f"{CARD} is no longer among" in task.sentence
    assert "no longer among" in checked[0]
    desk.lose_product(CARD, on=DAY, why="The card was broken.", by="rita")
    task, checked = told(far)
    assert isinstance(task, TaskState)
    assert "lost its certification" in task.sentence
    assert "lost its certification" in checked[0]
    assert list(desk.revoke_concerned(CARD, why="The card was broken.", by="rita")) == [serial]
    assert told(far) == (well, [])


@one_database
@pytest.mark.req("TRUSTWORKS:DEVICE-ATTESTED", "EN319411-2:SDP-6.5.1-QSCD")
def test_an_attested_key_is_certified(
    desk: Registration, provider: Provider, maker: Maker, tmp_path: Path
) -> None:
    (tmp_path / "maker.pem").write_bytes(pem(maker.root))
    attested = {
        **DEVICES[0],
        "product": "attested",
        "shown-by": ["attestation"],
        "attestation-roots": "maker.pem",
        "firmware": ["5.7.4"],
    }
    own = {**DEVICES[0], "product": "own", "shown-by": ["own-module"], "tokens": ["services"]}
    settings = RegistrationSettings.model_validate({"devices": [attested, own]})
    desk = type(desk)(
        settings,
        issuance=provider.issuance,
        clock=provider.clock,
        recorder=provider.recorder,
        database=provider.database,
        base=tmp_path,
    )
    identifier = ready(desk)
    application = desk.application(identifier)
    by_attestation = handed_over(application, product="attested", way="attestation")
    other = replace(by_attestation, attestation=maker.says(ec.generate_private_key(ec.SECP256R1())))
    with pytest.raises(Refused, match="holds the key"):
        desk.record_device(identifier, other, by="ra-desk")
    with pytest.raises(Refused, match="register of keys says nothing"):
        desk.record_device(
            identifier, handed_over(application, product="own", way="own-module"), by="ra-desk"
        )
    key = x509.load_der_x509_csr(application.asked.csr).public_key()
    made = desk.record_device(identifier, replace(by_attestation, attestation=maker.says(key)), by="ra-desk")
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    assert made.key_id == hashlib.sha256(spki).hexdigest()
    assert made.serial_number == "7"
    assert "firmware 5.7.4" in made.source
    assert len(desk.application(identifier).devices[0].attestation) == 2
    assert approve(desk, identifier).state == "issued"
