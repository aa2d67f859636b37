"""The cryptographic module: the only way to a private key.

    uri = Pkcs11Uri.parse("pkcs11:token=tsu?pin-source=file:secrets/tsu.pin")
    with Module.open(uri, base=Path("/etc/trustworks")) as module:
        key = module.key(label="unit-1")
        signature = key.sign(b"...")        # verified with the public key before it is returned

Who reads on: `sessions.py` (the connection and the hot path), `key.py`, `agreed.py` (which algorithms may be
used), `pin.py`, `probe.py`, `health.py`. `pkcs11.py` is the binding itself; nothing outside this package
touches it.
"""

from __future__ import annotations

from trustworks.core.module.agreed import agreed_until
from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme
from trustworks.core.module.approvals import Approval, read_approval, write_approval
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.health import ModuleHealth
from trustworks.core.module.key import Key
from trustworks.core.module.library import find_library
from trustworks.core.module.module import Module
from trustworks.core.module.probe import Capability, ModuleInfo
from trustworks.core.module.tokens import initialise_token, token_labels
from trustworks.core.module.uri import Pkcs11Uri
from trustworks.core.module.validations import Validation

__all__ = [
    "Approval",
    "Capability",
    "Key",
    "KeyAlgorithm",
    "Module",
    "ModuleHealth",
    "ModuleInfo",
    "ModuleSettings",
    "Pkcs11Uri",
    "SignatureScheme",
    "Validation",
    "agreed_until",
    "find_library",
    "initialise_token",
    "read_approval",
    "token_labels",
    "write_approval",
]
