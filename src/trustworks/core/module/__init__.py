"""The cryptographic module: the only way to a private key.

    uri = Pkcs11Uri.parse("pkcs11:token=tsu?pin-source=file:secrets/tsu.pin")
    with Module.open(uri, base=Path("/etc/trustworks")) as module:
        key = module.key(label="unit-1")
        signature = key.sign(b"...")        # verified with the public key before it is returned

Who reads on: `sessions.py` (the connection and the hot path), `key.py`, `agreed.py` (which algorithms may be used),
`pin.py`, `probe.py`. `pkcs11.py` is the binding itself; nothing outside this package touches it.
"""

from __future__ import annotations

from trustworks.core.module.algorithms import KeyAlgorithm, SignatureScheme
from trustworks.core.module.config import ModuleSettings
from trustworks.core.module.key import Key
from trustworks.core.module.library import find_library
from trustworks.core.module.module import Module
from trustworks.core.module.probe import Approval, ModuleHealth, ModuleInfo
from trustworks.core.module.tokens import initialise_token
from trustworks.core.module.uri import Pkcs11Uri

__all__ = [
    "Approval",
    "Key",
    "KeyAlgorithm",
    "Module",
    "ModuleHealth",
    "ModuleInfo",
    "ModuleSettings",
    "Pkcs11Uri",
    "SignatureScheme",
    "find_library",
    "initialise_token",
]
