"""The binding to a PKCS#11 library: cffi in ABI mode, so that no compiler is needed.

One `Cryptoki` stands for one library that this process has initialised, once, with CKF_OS_LOCKING_OK: without
that flag SoftHSM2 runs without mutexes, and two threads crash it. Every call releases the GIL. A failing call
raises `CryptokiError`; turning that into a sentence for an operator is the business of the files above this
one.
"""

from __future__ import annotations

import os
import sys
import threading
from typing import TYPE_CHECKING, Any, Final

from cffi import FFI

from trustworks.core.module.constants import Attribute, Flag, Mechanism, Mgf, Rv, User, rv_name
from trustworks.core.module.cryptoki_h import declarations

if TYPE_CHECKING:
    from pathlib import Path

ffi: Final[Any] = FFI()
ffi.cdef(declarations())

Value = bool | int | bytes | str | dict[Attribute, Any]
Template = dict[Attribute, Value]
UNAVAILABLE: Final = (1 << (8 * ffi.sizeof("CK_ULONG"))) - 1
_FOUND_AT_ONCE: Final = 64
_OAEP_LABEL_GIVEN: Final = 1  # CKZ_DATA_SPECIFIED
_LAST_VALIDATION_OK: Final = 1  # CKS_LAST_VALIDATION_OK


class CryptokiError(Exception):
    """A PKCS#11 function answered something other than CKR_OK."""

    def __init__(self, function: str, rv: int) -> None:
        super().__init__(f"{function} answered {rv_name(rv)}")
        self.function = function
        self.rv = rv


class PreparedMechanism:
    """A CK_MECHANISM with its parameter, kept while it is used: building one costs more than a call."""

    __slots__ = ("cdata", "kept", "parameter")

    def __init__(self, mechanism: int, parameter: Any = None) -> None:
        self.parameter = parameter
        self.kept: Any = None  # what the parameter points to
        self.cdata = ffi.new("CK_MECHANISM *")
        self.cdata.mechanism = int(mechanism)
        if parameter is None:
            self.cdata.pParameter = ffi.NULL
            self.cdata.ulParameterLen = 0
        else:
            self.cdata.pParameter = parameter
            self.cdata.ulParameterLen = ffi.sizeof(ffi.typeof(parameter).item)


def pss_mechanism(mechanism: Mechanism, digest: Mechanism, mask: Mgf, salt_length: int) -> PreparedMechanism:
    """An RSA-PSS mechanism: digest, mask generation function and salt length in octets."""
    parameter = ffi.new("CK_RSA_PKCS_PSS_PARAMS *", [int(digest), int(mask), salt_length])
    return PreparedMechanism(mechanism, parameter)


def oaep_mechanism(digest: Mechanism, mask: Mgf) -> PreparedMechanism:
    """RSA-OAEP with a hash for the empty label and for the mask (RFC 8017, 7.1)."""
    values = [int(digest), int(mask), _OAEP_LABEL_GIVEN, ffi.NULL, 0]
    return PreparedMechanism(Mechanism.RSA_PKCS_OAEP, ffi.new("CK_RSA_PKCS_OAEP_PARAMS *", values))


def gcm_mechanism(nonce: bytes, associated: bytes) -> PreparedMechanism:
    """AES-GCM with a nonce of 96 bits, data that is authenticated beside, and a tag of 128 bits."""
    kept = (ffi.new("CK_BYTE[]", nonce), ffi.new("CK_BYTE[]", associated))
    values = [kept[0], len(nonce), 8 * len(nonce), kept[1], len(associated), 128]
    mechanism = PreparedMechanism(Mechanism.AES_GCM, ffi.new("CK_GCM_PARAMS *", values))
    mechanism.kept = kept
    return mechanism


def text(field: Any) -> str:
    """A blank-padded field of fixed length, such as a token's label."""
    return bytes(ffi.buffer(field)).split(b"\0", 1)[0].decode(errors="replace").strip()


def _template(values: Template) -> tuple[Any, int, list[Any]]:
    """A CK_ATTRIBUTE array, its length, and the buffers that must outlive the call."""
    array = ffi.new("CK_ATTRIBUTE[]", max(len(values), 1))
    buffers: list[Any] = [array]
    for place, (kind, value) in zip(array, values.items(), strict=False):
        buffer: Any
        match value:
            case bool():
                buffer = ffi.new("CK_BYTE *", int(value))
                size = 1
            case int():
                buffer = ffi.new("CK_ULONG *", value)
                size = ffi.sizeof("CK_ULONG")
            case dict():  # what a key that this one unwraps must be, CKA_UNWRAP_TEMPLATE
                buffer, count, inner = _template(value)
                buffers.extend(inner)
                size = count * ffi.sizeof("CK_ATTRIBUTE")
            case _:
                octets = value.encode() if isinstance(value, str) else value
                buffer = ffi.new("CK_BYTE[]", octets or b"\0")
                size = len(octets)
        buffers.append(buffer)
        place.type, place.pValue, place.ulValueLen = int(kind), buffer, size
    return array, len(values), buffers


class Cryptoki:
    """One initialised PKCS#11 library; every method is one C function of (nearly) the same name.

    Sessions, objects and slots are plain numbers here. Made by `library.load`, never directly by a service.
    """

    def __init__(
        self, path: Path, *, parameters: str | None = None, configuration: str | None = None
    ) -> None:
        self.path = path
        self.parameters = parameters
        self.configuration = configuration
        self.lock = threading.RLock()
        self.users = 0  # connections that are open over this library
        self.starts = (
            0  # calls of C_Initialize: sessions of an earlier start are nobody's, or somebody else's
        )
        self.logins: dict[int, tuple[int, bytes]] = {}  # slot -> number of users, digest of their PIN
        self._library: Any = ffi.dlopen(str(path), ffi.RTLD_NOW | ffi.RTLD_LOCAL)
        pointer = ffi.new("CK_FUNCTION_LIST **")
        self._check("C_GetFunctionList", self._library.C_GetFunctionList(pointer))
        self.functions: Any = pointer[0]
        self.pid = 0
        # The two functions of the hot path, looked up once.
        self.c_sign_init = self.functions.C_SignInit
        self.c_sign = self.functions.C_Sign

    @staticmethod
    def _check(function: str, rv: int) -> None:
        if rv != Rv.OK:
            raise CryptokiError(function, rv)

    def _call(self, function: str, *arguments: Any) -> None:
        pointer = getattr(self.functions, function)
        if pointer == ffi.NULL:
            raise CryptokiError(function, Rv.FUNCTION_NOT_SUPPORTED)
        self._check(function, pointer(*arguments))

    def _octets(self, function: str, *arguments: Any, room: int = 8192) -> bytes:
        """Call a function whose last two parameters are an output buffer and its length."""
        buffer, length = ffi.new("CK_BYTE[]", room), ffi.new("CK_ULONG *", room)
        self._call(function, *arguments, buffer, length)
        return bytes(ffi.buffer(buffer, length[0]))

    # Library

    def initialise(self) -> None:
        """C_Initialize with the operating system's locks; `parameters` go where NSS reads them."""
        arguments = ffi.new("CK_C_INITIALIZE_ARGS *")
        arguments.flags = int(Flag.OS_LOCKING_OK)
        if self.parameters is not None:
            octets = ffi.new("char[]", self.parameters.encode())
            arguments.pReserved = octets
        rv = self.functions.C_Initialize(arguments)
        if rv != Rv.CRYPTOKI_ALREADY_INITIALIZED:  # by another user of the library in this process
            self._check("C_Initialize", rv)
            self.starts += 1
        self.pid = os.getpid()

    def finalise(self) -> None:
        """C_Finalize: every session of this process over this library ends."""
        self._call("C_Finalize", ffi.NULL)

    def info(self) -> Any:
        """CK_INFO of the library."""
        info = ffi.new("CK_INFO *")
        self._call("C_GetInfo", info)
        return info

    def _interfaces(self) -> list[tuple[str, tuple[int, int], Any]]:
        """Name, version and function list of each interface; none before PKCS#11 3.0."""
        try:
            get: Any = self._library.C_GetInterfaceList
        except AttributeError:
            return []
        count = ffi.new("CK_ULONG *")
        self._check("C_GetInterfaceList", get(ffi.NULL, count))
        found = ffi.new("CK_INTERFACE[]", max(count[0], 1))
        self._check("C_GetInterfaceList", get(found, count))
        answers = []
        for interface in found[0 : count[0]]:
            version = ffi.cast("CK_VERSION *", interface.pFunctionList)
            name = bytes(ffi.string(interface.pInterfaceName)).decode(errors="replace")
            answers.append((name, (version.major, version.minor), interface.pFunctionList))
        return answers

    def interfaces(self) -> list[str]:
        """Names and versions of the offered interfaces, such as ``PKCS 11 3.0``; empty before PKCS#11 3.0."""
        return [f"{name} {major}.{minor}" for name, (major, minor), _ in self._interfaces()]

    def validation_flags(self, session: int) -> int | None:
        """Flags of the validations that the session's last operation was in the scope of; None before 3.2."""
        for name, version, functions in self._interfaces():
            if name == "PKCS 11" and (3, 2) <= version < (4, 0):
                ask = ffi.cast("CK_FUNCTION_LIST_3_2 *", functions).C_GetSessionValidationFlags
                if ask == ffi.NULL:
                    return None
                flags = ffi.new("CK_ULONG *")
                rv = ask(session, _LAST_VALIDATION_OK, flags)
                if rv == Rv.FUNCTION_NOT_SUPPORTED:
                    return None
                self._check("C_GetSessionValidationFlags", rv)
                return int(flags[0])
        return None

    # Slots and tokens

    def slots(self, *, with_token: bool = True) -> list[int]:
        """The slots' numbers."""
        count = ffi.new("CK_ULONG *")
        self._call("C_GetSlotList", int(with_token), ffi.NULL, count)
        found = ffi.new("CK_ULONG[]", max(count[0], 1))
        self._call("C_GetSlotList", int(with_token), found, count)
        return list(found[0 : count[0]])

    def slot_info(self, slot: int) -> Any:
        """CK_SLOT_INFO of a slot."""
        info = ffi.new("CK_SLOT_INFO *")
        self._call("C_GetSlotInfo", slot, info)
        return info

    def token_info(self, slot: int) -> Any:
        """CK_TOKEN_INFO of the token in a slot."""
        info = ffi.new("CK_TOKEN_INFO *")
        self._call("C_GetTokenInfo", slot, info)
        return info

    def mechanisms(self, slot: int) -> list[int]:
        """The mechanisms that the token offers."""
        count = ffi.new("CK_ULONG *")
        self._call("C_GetMechanismList", slot, ffi.NULL, count)
        found = ffi.new("CK_ULONG[]", max(count[0], 1))
        self._call("C_GetMechanismList", slot, found, count)
        return sorted(found[0 : count[0]])

    def mechanism_info(self, slot: int, mechanism: int) -> tuple[int, int, int]:
        """Least key size, greatest key size, flags."""
        info = ffi.new("CK_MECHANISM_INFO *")
        self._call("C_GetMechanismInfo", slot, mechanism, info)
        return info.ulMinKeySize, info.ulMaxKeySize, info.flags

    def init_token(self, slot: int, so_pin: bytes, label: str) -> None:
        """C_InitToken: everything on the token is lost."""
        self._call("C_InitToken", slot, so_pin, len(so_pin), label.encode().ljust(32))

    def init_pin(self, session: int, pin: bytes) -> None:
        """C_InitPIN: set the user's PIN in a session of the security officer."""
        self._call("C_InitPIN", session, pin, len(pin))

    def set_pin(self, session: int, old: bytes, new: bytes) -> None:
        """C_SetPIN: whoever is logged in gets another PIN."""
        self._call("C_SetPIN", session, old, len(old), new, len(new))

    # Sessions

    def open_session(self, slot: int, *, read_write: bool) -> int:
        """C_OpenSession."""
        handle = ffi.new("CK_ULONG *")
        flags = Flag.SERIAL_SESSION | (Flag.RW_SESSION if read_write else Flag(0))
        self._call("C_OpenSession", slot, int(flags), ffi.NULL, ffi.NULL, handle)
        return int(handle[0])

    def close_session(self, session: int) -> None:
        """C_CloseSession."""
        self._call("C_CloseSession", session)

    def login(self, session: int, user: User, pin: bytes) -> None:
        """C_Login; the login holds for every session of this process with the token."""
        self._call("C_Login", session, int(user), pin, len(pin))

    def logout(self, session: int) -> None:
        """C_Logout."""
        self._call("C_Logout", session)

    # Objects

    def find(self, session: int, wanted: Template) -> list[int]:
        """All objects that match."""
        array, count, _keep = _template(wanted)
        self._call("C_FindObjectsInit", session, array, count)
        found: list[int] = []
        objects, number = ffi.new("CK_ULONG[]", _FOUND_AT_ONCE), ffi.new("CK_ULONG *")
        while True:  # after a failure the caller closes the session, which ends the search as well
            self._call("C_FindObjects", session, objects, _FOUND_AT_ONCE, number)
            if not number[0]:
                break
            found.extend(objects[0 : number[0]])
        self._call("C_FindObjectsFinal", session)
        return found

    def attribute(self, session: int, handle: int, kind: Attribute) -> bytes | None:
        """One attribute's octets; None where the object has none or does not give it out."""
        wanted = ffi.new("CK_ATTRIBUTE *")
        wanted.type = int(kind)
        withheld = (Rv.ATTRIBUTE_TYPE_INVALID, Rv.ATTRIBUTE_SENSITIVE)
        rv = self.functions.C_GetAttributeValue(session, handle, wanted, 1)
        if rv in withheld or wanted.ulValueLen == UNAVAILABLE:
            return None
        self._check("C_GetAttributeValue", rv)
        buffer = ffi.new("CK_BYTE[]", max(wanted.ulValueLen, 1))
        wanted.pValue = buffer
        rv = self.functions.C_GetAttributeValue(session, handle, wanted, 1)
        if rv in withheld:
            return None
        self._check("C_GetAttributeValue", rv)
        return bytes(ffi.buffer(buffer, wanted.ulValueLen))

    def number(self, session: int, handle: int, kind: Attribute) -> int | None:
        """One attribute that is a CK_ULONG or a CK_BBOOL."""
        octets = self.attribute(session, handle, kind)
        return None if octets is None else int.from_bytes(octets, sys.byteorder)

    def create(self, session: int, values: Template) -> int:
        """C_CreateObject: an object whose value is given, as public keys are."""
        array, count, _keep = _template(values)
        handle = ffi.new("CK_ULONG *")
        self._call("C_CreateObject", session, array, count, handle)
        return int(handle[0])

    def copy(self, session: int, handle: int, changed: Template) -> int:
        """C_CopyObject: the handle of a copy with some attributes changed."""
        array, count, _keep = _template(changed)
        copied = ffi.new("CK_ULONG *")
        self._call("C_CopyObject", session, handle, array, count, copied)
        return int(copied[0])

    def destroy(self, session: int, handle: int) -> None:
        """C_DestroyObject."""
        self._call("C_DestroyObject", session, handle)

    # Keys

    def generate_key(self, session: int, mechanism: PreparedMechanism, values: Template) -> int:
        """C_GenerateKey: a secret key."""
        array, count, _keep = _template(values)
        handle = ffi.new("CK_ULONG *")
        self._call("C_GenerateKey", session, mechanism.cdata, array, count, handle)
        return int(handle[0])

    def generate_key_pair(
        self, session: int, mechanism: PreparedMechanism, public: Template, private: Template
    ) -> tuple[int, int]:
        """C_GenerateKeyPair: handles of the public and the private key."""
        public_array, public_count, _keep_public = _template(public)
        private_array, private_count, _keep_private = _template(private)
        handles = ffi.new("CK_ULONG[2]")
        self._call(
            "C_GenerateKeyPair",
            session,
            mechanism.cdata,
            public_array,
            public_count,
            private_array,
            private_count,
            handles,
            handles + 1,
        )
        return int(handles[0]), int(handles[1])

    def sign(self, session: int, mechanism: PreparedMechanism, key: int, data: bytes) -> bytes:
        """C_SignInit and C_Sign; the hot path in `sessions.py` does the same without allocating."""
        self._check("C_SignInit", self.c_sign_init(session, mechanism.cdata, key))
        buffer, length = ffi.new("CK_BYTE[1024]"), ffi.new("CK_ULONG *", 1024)
        self._check("C_Sign", self.c_sign(session, data, len(data), buffer, length))
        return bytes(ffi.buffer(buffer, length[0]))

    def encrypt(self, session: int, mechanism: PreparedMechanism, key: int, data: bytes) -> bytes:
        """C_EncryptInit and C_Encrypt."""
        self._call("C_EncryptInit", session, mechanism.cdata, key)
        return self._octets("C_Encrypt", session, data, len(data), room=len(data) + 1024)

    def decrypt(self, session: int, mechanism: PreparedMechanism, key: int, data: bytes) -> bytes:
        """C_DecryptInit and C_Decrypt."""
        self._call("C_DecryptInit", session, mechanism.cdata, key)
        return self._octets("C_Decrypt", session, data, len(data), room=len(data) + 1024)

    def wrap_key(self, session: int, mechanism: PreparedMechanism, wrapping: int, key: int) -> bytes:
        """C_WrapKey."""
        return self._octets("C_WrapKey", session, mechanism.cdata, wrapping, key)

    def unwrap_key(
        self, session: int, mechanism: PreparedMechanism, wrapping: int, wrapped: bytes, values: Template
    ) -> int:
        """C_UnwrapKey: the handle of a key with the given attributes."""
        array, count, _keep = _template(values)
        handle = ffi.new("CK_ULONG *")
        self._call(
            "C_UnwrapKey", session, mechanism.cdata, wrapping, wrapped, len(wrapped), array, count, handle
        )
        return int(handle[0])

    def random(self, session: int, length: int) -> bytes:
        """C_GenerateRandom."""
        buffer = ffi.new("CK_BYTE[]", length)
        self._call("C_GenerateRandom", session, buffer, length)
        return bytes(ffi.buffer(buffer, length))
