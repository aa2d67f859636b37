"""Makes the keys and certificates that the services of a laboratory lack."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from trustworks.app.certificates import read, spki
from trustworks.app.lab import complete, configuration, show
from trustworks.app.lab.opened import BY, Opened
from trustworks.app.processes.lists import take_own
from trustworks.core.durable import put
from trustworks.core.errors import Unavailable
from trustworks.core.module import KeyAlgorithm
from trustworks.core.module.requests import certification_request
from trustworks.core.time import LabClock
from trustworks.issuance import records
from trustworks.issuance.model import NameAttribute
from trustworks.issuance.model.requests import Door, Request

if TYPE_CHECKING:
    from pathlib import Path


_WITH_ISSUER = ("tls", configuration.SEAL_KEY, configuration.OWN_SEAL)


class ServiceSteps(Opened):
    """The steps that make keys and certificates of services."""

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

    def report_seal(self) -> None:
        """The key and certificate that seal validation reports."""
        if complete.is_own(self.layout, self.wiring, configuration.SEAL_KEY):
            self._service(
                "seal-validation-report",
                "services",
                configuration.SEAL_KEY,
                "Trustworks TEST validation reports",
            )

    def list_signer(self) -> None:
        """The key and certificate that sign the trusted lists."""
        if complete.is_own(self.layout, self.wiring, configuration.LIST_KEY):
            name = "Trustworks TEST trusted lists"
            self._service("list-signer", "services", configuration.LIST_KEY, name)

    def trusted_lists(self) -> None:
        """The trusted list of what runs, and the list of lists, where they are missing or due.

        Our own validator has them from then on. They come before certificates that are to be qualified by
        them: a service is granted from its first list on.
        """
        settings = self.wiring.issuance_settings.trusted_list
        if settings is None:
            return
        database, recorder = self.log()
        lists = self.wiring.trusted_lists(database=database, clock=LabClock(), recorder=recorder)
        if lists.due() is not None:
            lists.issue(lists.signer(self.module("services").key(settings.key)), by=BY)
        take_own(self.wiring, database, recorder)

    def own_seal(self) -> None:
        """The key and the qualified certificate by which documents are sealed for clients."""
        if not complete.is_own(self.layout, self.wiring, configuration.OWN_SEAL):
            return
        issuance = self.wiring.issuance_settings
        registered = issuance.organization_identifier or f"NTR{issuance.country}-TEST"
        self._service(
            "legal-qcp-l-qscd",
            "services",
            configuration.OWN_SEAL,
            "Trustworks TEST seal",
            organization=(
                NameAttribute("countryName", issuance.country),
                NameAttribute("organizationName", issuance.organization),
                NameAttribute("organizationIdentifier", registered),
                NameAttribute("serialNumber", "TEST-SEAL"),
            ),
            door=Door.OFFICER,  # a laboratory identifies nobody; its officer has such certificates issued
        )

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

    def _service(
        self,
        profile: str,
        token: str,
        label: str,
        name: str,
        *,
        organization: tuple[NameAttribute, ...] = (),
        door: Door = Door.PROVIDER,
    ) -> Path | None:
        """A service's key in its token, and its certificate by the issuing authority.

        `organization`: what the profile does not take from the configuration. Answers what `write` does.
        """
        key = self.find(token, label)
        if key is None:
            key = self.make(token, label, KeyAlgorithm.P256)
            self._tell_gone(f"The key {label} of the token {token}", label)
        another = complete.is_for_another_key(self.layout, label, key.spki)
        if not another and not complete.needs_certificate(self.layout, label):
            return None
        request = certification_request(key)
        return self._certify(
            profile,
            label,
            name,
            request,
            spki_sha256=key.spki_sha256,
            organization=organization,
            door=door,
        )

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
        organization: tuple[NameAttribute, ...] = (),
        door: Door = Door.PROVIDER,
    ) -> Path | None:
        der = self._issued_before(profile, spki_sha256, alternative_names)
        if der is None:
            der = (
                self.issuance()
                .issue(
                    Request(
                        profile=profile,
                        csr=csr,
                        subject=(*organization, NameAttribute("commonName", name)),
                        requested_by=BY,
                        door=door,
                        alternative_names=alternative_names,
                    )
                )
                .certificate
            )
        # What others are handed with an answer or a report leads them to the root.
        chain = [self.authority("issuing")] if file in _WITH_ISSUER else []
        return self.write(file, der, *chain)

    def _issued_before(self, profile: str, spki_sha256: bytes, names: tuple[str, ...]) -> bytes | None:
        """The certificate that an interrupted run issued for this key, and did not come to write down."""
        database, _ = self.log()
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
