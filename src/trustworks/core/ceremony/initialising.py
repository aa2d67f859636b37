"""What is done at the step that makes a token: its PINs are drawn, and sealed for several people or written.

Sealed PINs are in the memory of this process alone, and in no file: the user's until the ceremony ends, the
security officer's until the token is made. A process that is killed between the two calls that make a token
leaves one without keys, which nobody opens: people remove it, and the step begins anew.
Source: EN 319 411-1, GEN-6.5.4-01.
"""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from trustworks.core.ceremony.cards import cards, read_file
from trustworks.core.ceremony.executor import Action, Facts
from trustworks.core.durable import put_new
from trustworks.core.errors import Malformed, Rejected, Unavailable
from trustworks.core.keys.model import places
from trustworks.core.module import Pkcs11Uri, documents
from trustworks.core.module.activation import SealedPin, new_pin, seal
from trustworks.core.module.events import add_probe_key, order_token, record_token
from trustworks.core.module.health import PROBE_LABEL

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trustworks.core.ceremony import steps
    from trustworks.core.ceremony.actions import Bench
    from trustworks.core.module import Module

_PIN_OCTETS: Final = 18


class Initialising(Action):
    """initialise-token: PINs are drawn, and sealed or put into new files; the token gets its probe key."""

    def __init__(self, bench: Bench) -> None:
        self._bench = bench

    def prepare(self, step: steps.InitialiseToken) -> Facts:
        """Refuse a label and files that are in use, and cards that are not those of the plan."""
        if step.label in self._bench.token_labels():
            raise Rejected(
                "module.token-exists", f"A token {step.label!r} exists already; plan one of another label."
            )
        sealings = [sealing for sealing, _ in _sealings(step)]
        for name in (step.pin_file, step.so_pin_file, *(one.file for one in sealings)):
            if name is not None and (self._bench.base / name).exists():
                raise Rejected(
                    "module.pin-file",
                    f"{name} exists already; a PIN is never written over another. Plan a new file.",
                )
        for one in sealings:
            cards(self._bench, one.operators)
        return {"label": step.label}

    def look(self, step: steps.InitialiseToken, prepared: Facts) -> Facts | None:
        """A token with PINs that open it is whole; PIN files without a token are used for it.

        Whose PIN is sealed may lack probe key and approval: it gets them where it was activated meanwhile,
        else the transcript says what is missing and what to do.
        """
        del prepared
        if step.label not in self._bench.token_labels():
            return None
        if step.sealed_pin is None:
            return self._facts(step, None)
        state = self._bench.token_state(step.label)
        if not state.user_pin_set or not self._all_sealed(step, state.serial):
            raise Unavailable(
                "ceremony.token-half-made",
                f"The token {step.label!r} was begun by a run that was broken off, and nobody has its PINs. "
                "Remove it with the module's own tools, and run the plan again.",
            )
        module = self._bench.open_made(step.label)
        if module is not None:
            finished = self._finished(step, module)
            return finished | {"found_after_interruption": True, "probe_key": True}
        return {
            "label": step.label,
            "token_serial": state.serial,
            "token_model": state.model,
            "token_manufacturer": state.manufacturer,
            "found_after_interruption": True,
            **self._missing(state.serial),
            **self._told(step),
        }

    def _missing(self, serial: str) -> Facts:
        """What a run that was broken off may not have done to a token that nobody can open now."""
        probe = any(serial in places(history) for _, history in self._bench.registered(PROBE_LABEL))
        found: Facts = {"probe_key": probe, "approved": self._bench.is_approved(serial)}
        if not all(found.values()):
            found["to_do"] = (
                "Name the token in the configuration, activate it (trustworks keys activate), make its probe "
                "key (trustworks module health --make-probe-key), and approve it (trustworks module approve)."
            )
        return found

    def perform(self, step: steps.InitialiseToken, prepared: Facts) -> Facts:
        """Make the token; what is sealed is durable before the token takes the user's PIN."""
        del prepared
        so_pin = self._pin(step.so_pin_file)
        user_pin = self._pin(step.pin_file)
        for one, _ in _sealings(step):
            self._remove_left(step, one)

        def keep(serial: str) -> None:
            for one, of_officer in _sealings(step):
                self._seal(one, step, so_pin if of_officer else user_pin, serial, of_officer=of_officer)

        order_token(self._bench.on_event, step.label)
        if step.so_pin_file is not None:
            self._bench.note_officer_pin(step.label, self._bench.base / step.so_pin_file)
        self._bench.initialise(step.label, so_pin=so_pin, user_pin=user_pin, keep=keep)
        record_token(self._bench.on_event, step.label)
        if step.sealed_pin is not None:
            self._bench.hold(step.label, user_pin.encode())
            return self._facts(step, user_pin.encode())
        return self._facts(step, None)

    def _pin(self, name: str | None) -> str:
        """A new PIN; where a file is named the one in it, which is drawn where there is none."""
        if name is None:
            return new_pin().decode()
        file = self._bench.base / name
        try:
            put_new(file, (f"{secrets.token_urlsafe(_PIN_OCTETS)}\n".encode(),), mode=0o600)
        except FileExistsError:
            pass  # of a run that was broken off before there was a token
        except OSError as error:
            raise Unavailable(
                "module.pin-file",
                f"The PIN file {file} cannot be written: {error.strerror}. Make the folder.",
            ) from None
        return file.read_text(encoding="ascii").strip()

    def _seal(
        self,
        sealing: steps.PinSealing,
        step: steps.InitialiseToken,
        pin: str,
        serial: str,
        *,
        of_officer: bool,
    ) -> None:
        sealed = seal(
            pin.encode(),
            token=step.label,
            serial=serial,
            operators=cards(self._bench, sealing.operators),
            threshold=sealing.threshold,
            sha1=self._bench.oaep_sha1,
            of_officer=of_officer,
        )
        file = self._bench.base / sealing.file
        try:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            put_new(file, (documents.write(sealed),), mode=0o600)
        except OSError as error:
            raise Unavailable(
                "module.pin-file", f"{file} cannot be written: {error.strerror}. Make the folder."
            ) from None

    def _sealed(self, sealing: steps.PinSealing) -> SealedPin:
        what = f"The sealed PIN {sealing.file}"
        return documents.read(SealedPin, read_file(self._bench.base / sealing.file), what)

    def _all_sealed(self, step: steps.InitialiseToken, serial: str) -> bool:
        """Whether what opens a token is there, for each PIN that is sealed."""
        try:
            return all(self._sealed(one).serial == serial for one, _ in _sealings(step))
        except Malformed:
            return False

    def _remove_left(self, step: steps.InitialiseToken, sealing: steps.PinSealing) -> None:
        """Remove what a run left that was broken off: it opens nothing, for there is no such token."""
        file = self._bench.base / sealing.file
        if not file.exists():
            return
        try:
            left = self._sealed(sealing).token == step.label
        except Malformed:
            left = False
        if not left:
            raise Rejected("module.pin-file", f"{sealing.file} exists already. Move it away.")
        file.unlink()

    def _facts(self, step: steps.InitialiseToken, pin: bytes | None) -> Facts:
        source = None
        if step.pin_file is not None:
            source = f"file:{quote(str((self._bench.base / step.pin_file).absolute()))}"
        uri = Pkcs11Uri(token=step.label, pin_source=source)
        return self._finished(step, self._bench.open_new(uri, pin))

    def _finished(self, step: steps.InitialiseToken, opened: Module) -> Facts:
        """Give the token its probe key and its approval, where they are missing, and close it."""
        with opened as module:
            add_probe_key(self._bench.on_event, module)
            self._bench.approve(module)
            found = module.info()
        return {
            "label": step.label,
            "token_serial": found.token_serial,
            "token_model": found.token_model,
            "token_manufacturer": found.token_manufacturer,
            **self._told(step),
        }

    def _told(self, step: steps.InitialiseToken) -> Facts:
        """Where the PINs are: in files, or sealed, for whom."""
        told: Facts = {}
        if step.pin_file is not None:
            told["pin_file"] = step.pin_file
        if step.so_pin_file is not None:
            told["so_pin_file"] = step.so_pin_file
        for one, of_officer in _sealings(step):
            sealed = self._sealed(one)
            told["sealed_so_pin" if of_officer else "sealed_pin"] = {
                "file": one.file,
                "sealed": sealed.digest,
                "operators": list(sealed.operators),
                "threshold": sealed.threshold,
            }
        if step.discard_so_pin:
            told["so_pin"] = "drawn, and thrown away"
        return told


def _sealings(step: steps.InitialiseToken) -> Iterator[tuple[steps.PinSealing, bool]]:
    """What is sealed, and whether it is the security officer's PIN."""
    if step.sealed_pin is not None:
        yield step.sealed_pin, False
    if step.sealed_so_pin is not None:
        yield step.sealed_so_pin, True
