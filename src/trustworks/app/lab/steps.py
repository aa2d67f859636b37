"""Makes what a laboratory lacks, in steps that can be broken off anywhere and done again.

Each step looks for what is there, and makes only what is missing. What a step makes appears whole or not at
all: files by renaming, tokens by moving their folder, records by one transaction. A key without a certificate
is taken up where it was left, and a certificate without its file is read from the database.
"""

from __future__ import annotations

import hashlib
import shutil
from contextlib import ExitStack
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.ceremonies.room import Room
from trustworks.app.certificates import read, spki
from trustworks.app.lab import ceremonies, complete, configuration, show
from trustworks.app.lab import layout as places
from trustworks.app.wiring import TOKENS, Wiring
from trustworks.core.durable import put
from trustworks.core.errors import Malformed, Unavailable
from trustworks.core.keys import registered_events
from trustworks.core.module import KeyAlgorithm, initialise_token
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.events import add_probe_key, new_key, record_token
from trustworks.core.module.pin import read_pin
from trustworks.core.module.requests import certification_request
from trustworks.core.time import LabClock
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request
from trustworks.issuance.service import Issuance

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from trustworks.app.lab.layout import Layout
    from trustworks.core.audit import Recorder
    from trustworks.core.module import Key, Module
    from trustworks.core.store import Database
    from trustworks.issuance.config import AuthoritySettings
    from trustworks.issuance.model import AuthorityRecord

AUTHORITIES = ("root", "issuing")  # the names of their tokens too
BY = "lab"  # the actor in the audit log
Step = tuple[str, "Callable[[], None]"]


class Setup:
    """One run of the set-up: `steps`, to be done in their order. What is there already costs little.

    `notes` are sentences about what else was changed, for the laboratory's owner.
    """

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.wiring = Wiring.lazy(layout.config)
        self._stack = ExitStack()
        self._modules: dict[str, Module] = {}
        self._opened: tuple[Database, Recorder] | None = None
        self.notes: list[str] = []

    def steps(self) -> list[Step]:
        """The steps, each with the words for the progress display."""
        return [
            ("Database", self.database),  # first: what is made is in its audit log
            ("Tokens in the cryptographic module", self.tokens),
            ("Root CA", self.root),
            ("Issuing CA", self.issuing),
            ("Time-stamping unit", self.time_stamping),
            ("OCSP responder", self.ocsp),
            ("Audit log's signer", self.audit),
            ("CMP server", self.cmp),
            ("Registration authority's key", self.registration),
            ("HTTPS server", self.tls),
            ("Revocation lists", self.lists),
            ("Transcripts of the key ceremonies", self.ceremonies),
            ("Trust anchors", self.anchors),
        ]

    def close(self) -> None:
        """Close what the steps have opened."""
        self._stack.close()

    # Steps

    def database(self) -> None:
        """Make the database, or bring its schema up to date."""
        with self.wiring.open_database(check=False) as database:
            database.upgrade()

    def tokens(self) -> None:
        """Make the tokens that are missing, each apart: one is in its place when it is whole and recorded.

        Each token gets its probe key, where that is missing.
        Raises `Unavailable`, before anything is made, where records or keys of the authorities are gone.
        """
        self._check_authorities()
        shutil.rmtree(self.layout.new_tokens, ignore_errors=True)
        missing = [name for name in TOKENS if not self._has_token(name)]
        if missing:
            self._make_tokens(missing)
        on_event = registered_events(self._log()[1])
        for name in TOKENS:
            add_probe_key(on_event, self.module(name))

    def _check_authorities(self) -> None:
        """Refuse to go on without what cannot be made again: the authorities' records, and their keys.

        Raises `Unavailable` (lab.records, lab.authority-key).
        """
        with self.wiring.open_database() as database, database.read() as connection:
            known = {name: records.authority(connection, name) for name in AUTHORITIES}
        root = self.layout.anchors[0]  # written when all of the first set-up is recorded
        if known["root"] is None and root.exists():
            raise Unavailable(
                "lab.records",
                f"The records of this laboratory are gone from {database.where}: it does not know the root "
                f"CA in {root}. Put the database back from a backup, or name another folder with --dir.",
            )
        for name, record in known.items():
            if record is not None and not self._has_key(record):
                raise Unavailable(
                    "lab.authority-key",
                    f"The key of the {name} CA is gone from the token {self.wiring.token_uri(name)}, and it "
                    f"cannot be made again. Put {self.layout.tokens} back from a backup, or name another "
                    "folder with --dir.",
                )

    def _has_key(self, record: AuthorityRecord) -> bool:
        try:
            with self.wiring.open_module(record.name) as module:
                return module.key(self._label(record.name)).spki_sha256 == record.spki_sha256
        except Unavailable as error:
            if error.code not in {"module.token-absent", "module.key-absent"}:
                raise
            return False

    def _label(self, name: str) -> str:
        """The label of an authority's key."""
        settings = self.wiring.issuance_settings
        return settings.root.key if name == "root" else settings.issuing.key

    def _make_tokens(self, names: list[str]) -> None:
        on_event = registered_events(self._log()[1])
        new = self.layout.new_tokens
        new.mkdir(mode=0o700)
        conf = self.layout.folder / ".softhsm2.new.conf"
        put(conf, places.softhsm2_text(new))
        settings = ModuleSettings.model_validate({"softhsm2-conf": conf})
        for name in names:
            before = set(new.iterdir())
            uri = self.wiring.token_uri(name)
            label = uri.token or name
            initialise_token(
                label=label,
                so_pin=self.layout.so_pin(name).read_text(encoding="ascii").strip(),
                user_pin=read_pin(uri, base=self.wiring.base),
                settings=settings,
            )
            record_token(on_event, label)
            for folder in set(new.iterdir()) - before:
                folder.rename(self.layout.tokens / folder.name)
        conf.unlink()
        new.rmdir()

    def _has_token(self, name: str) -> bool:
        try:
            # Closed again: a token that is missing is made by the library under another configuration.
            with self.wiring.open_module(name):
                pass
        except Unavailable as error:
            if error.code == "module.token-absent":
                return False
            raise
        return True

    def root(self) -> None:
        """The root's key and its self-signed certificate."""
        self._ceremony("root", self.wiring.issuance_settings.root)

    def issuing(self) -> None:
        """The issuing authority's key, and its certificate by the root."""
        self._ceremony("issuing", self.wiring.issuance_settings.issuing, parent="root")
        self._write("issuing", self._authority("issuing"))

    def ceremonies(self) -> None:
        """The folders of the ceremonies by which the authorities were made."""
        ceremonies.write_folders(self._room(), self.layout, AUTHORITIES)

    def _ceremony(self, name: str, settings: AuthoritySettings, *, parent: str | None = None) -> None:
        database, _ = self._log()
        room = self._room()
        with database.read() as connection:
            made = records.authority(connection, name) is not None
        if made and ceremonies.is_over(room, name):
            return
        sealing = self.wiring.config.audit.key
        if self.find("audit", sealing) is None:
            self.make("audit", sealing, KeyAlgorithm.P256)
        ceremonies.make_authority(room, name, settings, parent=parent, key=self.find(name, settings.key))

    def _room(self) -> Room:
        database, recorder = self._log()
        return Room(
            self.wiring,
            database=database,
            recorder=recorder,
            clock=LabClock(),
            by=BY,
            module=self.module,
        )

    def time_stamping(self) -> None:
        """The time-stamping unit's key and certificate; another unit in its place before its key's end."""
        own = complete.own_unit(self.layout, self.wiring)
        unit = complete.unit_to_keep(self.layout, self.wiring)
        if own is None or unit is None:
            return
        self._service("tsu", "tsu", unit, f"Trustworks TEST TSU {unit.removeprefix('tsu-')}")
        if unit != own:
            self._take_over(own, unit)

    def _take_over(self, old: str, new: str) -> None:
        """Name another unit in the configuration; the old one's key stays until its owner destroys it."""
        text = self.layout.config.read_text(encoding="utf-8")
        put(self.layout.config, configuration.with_unit(text, old, new))
        end = complete.use_ends(read(self.layout.certificate(old)))
        self.notes.append(
            f"The key of the time-stamping unit {old} may be used until {end:%Y-%m-%d} only. A new unit, "
            f"{new}, has its place in {self.layout.config}: name and certificate. The old key is kept; after "
            f"that day destroy it: trustworks module destroy-key --token tsu --label {old}."
        )

    def ocsp(self) -> None:
        """The OCSP responder's key and certificate."""
        if complete.is_own(self.layout, self.wiring, "ocsp"):
            self._service("ocsp-signer", "services", "ocsp", "Trustworks TEST OCSP responder")

    def cmp(self) -> None:
        """The key and certificate that sign CMP answers."""
        if complete.is_own(self.layout, self.wiring, "cmp"):
            self._service("cmp-server", "services", "cmp", "Trustworks TEST CMP server")

    def registration(self) -> None:
        """The registration authority's key, which the secrets of enrolment come of."""
        label = configuration.REGISTRATION_KEY
        if (
            self.wiring.issuance_settings.registration_key != label
            or self.find("services", label) is not None
        ):
            return
        self.make("services", label, KeyAlgorithm.RSA_3072)
        if self.layout.complete.exists():
            self.notes.append(
                f"The key {label} of the token services was gone. There is a new one; secrets of CMP, EST "
                "and webhooks and keys of external account bindings from before are good for nothing: "
                "withdraw them and create others."
            )

    def audit(self) -> None:
        """The key and certificate that sign the audit log's checkpoints."""
        if not complete.is_own(self.layout, self.wiring, "audit"):
            return
        if self._service("audit-signer", "audit", "audit", "Trustworks TEST audit log") is not None:
            self.notes.append(
                "Keep it for as long as the log: checkpoints that its key signed are verified with "
                f"{show.verify_command(self.layout, self.wiring.config)}"
            )

    def _service(self, profile: str, token: str, label: str, name: str) -> Path | None:
        """A service's key in its token, and its certificate by the issuing authority.

        Answers what `_write` does.
        """
        key = self.find(token, label)
        if key is None:
            key = self.make(token, label, KeyAlgorithm.P256)
            self._tell_gone(f"The key {label} of the token {token}", label)
        another = complete.is_for_another_key(self.layout, label, key.spki)
        if not another and not complete.needs_certificate(self.layout, label):
            return None
        request = certification_request(key)
        return self._certify(profile, label, name, request, spki_sha256=key.spki_sha256)

    def _tell_gone(self, key: str, name: str) -> None:
        """Note that a key had to be made though its certificate was there."""
        file = self.layout.certificate(name)
        if file.is_file():
            self.notes.append(f"{key} was gone. There is a new one, with a certificate of its own in {file}.")

    def tls(self) -> None:
        """The HTTPS server's key in a file (the server reads nothing else), and its certificate."""
        names = complete.server_names(self.wiring.config.http)
        own = complete.is_own(self.layout, self.wiring, "tls")
        if not own or not complete.needs_tls(self.layout, names):
            return
        if not self.layout.tls_key.is_file():
            made = ec.generate_private_key(ec.SECP256R1())
            pem = made.private_bytes(
                Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )
            put(self.layout.tls_key, pem, mode=0o600)
            self._tell_gone(f"The key {self.layout.tls_key}", "tls")
        key = complete.tls_key(self.layout)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise Unavailable(
                "lab.tls-key",
                f"{self.layout.tls_key} holds no key that the laboratory made. Move it away; the next start "
                "makes one.",
            )
        request = (
            x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
        )
        self._certify(
            "tls-server",
            "tls",
            "Trustworks TEST server",
            request.public_bytes(Encoding.DER),
            spki_sha256=hashlib.sha256(spki(key.public_key())).digest(),
            alternative_names=names,
        )

    def _certify(
        self,
        profile: str,
        file: str,
        name: str,
        csr: bytes,
        *,
        spki_sha256: bytes,
        alternative_names: tuple[str, ...] = (),
    ) -> Path | None:
        der = self._issued_before(profile, spki_sha256, alternative_names)
        if der is None:
            der = (
                self.issuance()
                .issue(
                    Request(
                        profile=profile,
                        csr=csr,
                        subject=(NameAttribute("commonName", name),),
                        requested_by=BY,
                        door=Door.PROVIDER,
                        alternative_names=alternative_names,
                    )
                )
                .certificate
            )
        chain = [self._authority("issuing")] if file == "tls" else []
        return self._write(file, der, *chain)

    def _issued_before(self, profile: str, spki_sha256: bytes, names: tuple[str, ...]) -> bytes | None:
        """The certificate that an interrupted run issued for this key, and did not come to write down."""
        database, _ = self._log()
        with database.read() as connection:
            for serial in records.serials_of_key(connection, spki_sha256):
                found = records.certificate(connection, serial)
                if found is None or found.profile != profile or found.revocation is not None:
                    continue
                if found.der is None:
                    continue
                if complete.fits(x509.load_der_x509_certificate(found.der), names):
                    return found.der
        return None

    def lists(self) -> None:
        """The revocation list of every authority whose list is missing or due, the root's among them."""
        from trustworks.issuance.status.crl import CrlPublisher, crl_states  # noqa: PLC0415 - not always

        database, recorder = self._log()
        settings = self.wiring.issuance_settings
        clock = LabClock()
        due = {one.authority for one in crl_states(settings, database, clock.now().utc) if one.due}
        publisher = CrlPublisher(
            settings,
            public_url=self.wiring.config.http.public_url,
            database=database,
            recorder=recorder,
            clock=clock,
            keys={name: self.module(name).key(self._label(name)) for name in due},
        )
        publisher.publish_due(actor=BY)

    def anchors(self) -> None:
        """The trust anchors, for whoever verifies; and the mark that the set-up is complete."""
        root, issuing = (_pem(self._authority(name)) for name in AUTHORITIES)
        for file, content in zip(self.layout.anchors, (root, issuing, issuing + root), strict=True):
            put(file, content)
        put(self.layout.complete, complete.keys_mark(self.layout, self.wiring))

    # What the steps share

    def module(self, token: str) -> Module:
        """The module, open on a token for as long as the set-up takes."""
        if token not in self._modules:
            self._modules[token] = self._stack.enter_context(self.wiring.open_module(token, read_write=True))
        return self._modules[token]

    def find(self, token: str, label: str) -> Key | None:
        """The key with that label, where it is there."""
        try:
            return self.module(token).key(label)
        except Unavailable as error:
            if error.code != "module.key-absent":
                raise
            return None

    def make(self, token: str, label: str, algorithm: KeyAlgorithm) -> Key:
        """A new key with that label."""
        return new_key(
            registered_events(self._log()[1]), self.module(token), label=label, algorithm=algorithm
        )

    def issuance(self) -> Issuance:
        """Issuance over the open tokens. A ceremony in a laboratory has no other clock than the machine's."""
        database, recorder = self._log()
        return Issuance(
            self.wiring.issuance_settings,
            public_url=self.wiring.config.http.public_url,
            keys=lambda name: self.module(name).key(self._label(name)),
            clock=LabClock(),
            recorder=recorder,
            database=database,
            lab=True,
        )

    def _log(self) -> tuple[Database, Recorder]:
        if self._opened is None:
            database = self._stack.enter_context(self.wiring.open_database())
            recorder = self._stack.enter_context(self.wiring.open_recorder("lab", database=database))
            self._opened = database, recorder
        return self._opened

    def _authority(self, name: str) -> bytes:
        database, _ = self._log()
        with database.read() as connection:
            found = records.authority(connection, name)
        if found is None:
            raise Unavailable(
                "lab.authority", f"The authority {name} is missing; run `trustworks lab` again."
            )
        return found.certificate

    def _write(self, name: str, *certificates: bytes) -> Path | None:
        """Write a file of certificates, the first of them a service's.

        One of another key is never written over; answers under which other name it is kept. Old signatures
        are verified with it, or its owner put it there.
        """
        file, kept = self.layout.certificate(name), None
        own = spki(x509.load_der_x509_certificate(certificates[0]).public_key())
        try:
            another = complete.is_for_another_key(self.layout, name, own)
        except Malformed:  # whatever it is, it may be its owner's
            another = True
        if another:
            kept = self.layout.free_certificate(name)
            file.rename(kept)
            self.notes.append(f"What {file} held before is kept in {kept}.")
        put(file, b"".join(_pem(der) for der in certificates))
        return kept


def _pem(der: bytes) -> bytes:
    return x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
