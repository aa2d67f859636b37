"""PKCS#11's numbers by their names, and names for the numbers that a person gets to see.

Source: OASIS PKCS#11 3.1, `pkcs11t.h`; validation objects: 3.2.
"""

from __future__ import annotations

from enum import IntEnum, IntFlag
from typing import Final


class Flag(IntFlag):
    """Flags of C_Initialize, sessions, slots, tokens and mechanisms."""

    OS_LOCKING_OK = 0x2
    RW_SESSION = 0x2
    SERIAL_SESSION = 0x4
    TOKEN_PRESENT = 0x1
    LOGIN_REQUIRED = 0x4
    USER_PIN_INITIALIZED = 0x8
    TOKEN_INITIALIZED = 0x400
    USER_PIN_COUNT_LOW = 0x10000
    USER_PIN_FINAL_TRY = 0x20000
    USER_PIN_LOCKED = 0x40000
    USER_PIN_TO_BE_CHANGED = 0x80000


class User(IntEnum):
    """CKU_*: who logs in."""

    SO = 0
    USER = 1


class ObjectClass(IntEnum):
    """CKO_*."""

    DATA = 0
    CERTIFICATE = 1
    PUBLIC_KEY = 2
    PRIVATE_KEY = 3
    SECRET_KEY = 4
    VALIDATION = 10  # PKCS#11 3.2


class KeyType(IntEnum):
    """CKK_*."""

    RSA = 0x0
    EC = 0x3
    GENERIC_SECRET = 0x10
    AES = 0x1F
    EC_EDWARDS = 0x40


class Attribute(IntEnum):
    """CKA_*."""

    CLASS = 0x0
    TOKEN = 0x1
    PRIVATE = 0x2
    LABEL = 0x3
    VALUE = 0x11
    TRUSTED = 0x86
    KEY_TYPE = 0x100
    ID = 0x102
    SENSITIVE = 0x103
    ENCRYPT = 0x104
    DECRYPT = 0x105
    WRAP = 0x106
    UNWRAP = 0x107
    SIGN = 0x108
    SIGN_RECOVER = 0x109
    VERIFY = 0x10A
    DERIVE = 0x10C
    MODULUS = 0x120
    MODULUS_BITS = 0x121
    PUBLIC_EXPONENT = 0x122
    VALUE_LEN = 0x161
    EXTRACTABLE = 0x162
    LOCAL = 0x163
    NEVER_EXTRACTABLE = 0x164
    ALWAYS_SENSITIVE = 0x165
    MODIFIABLE = 0x170
    EC_PARAMS = 0x180
    EC_POINT = 0x181
    WRAP_WITH_TRUSTED = 0x210
    VALIDATION_TYPE = 0x61F
    VALIDATION_VERSION = 0x620
    VALIDATION_LEVEL = 0x621
    VALIDATION_MODULE_ID = 0x622
    VALIDATION_FLAG = 0x623
    VALIDATION_AUTHORITY_TYPE = 0x624
    VALIDATION_COUNTRY = 0x625
    VALIDATION_CERTIFICATE_IDENTIFIER = 0x626
    VALIDATION_CERTIFICATE_URI = 0x627
    VALIDATION_PROFILE = 0x629
    UNWRAP_TEMPLATE = 0x40000212
    NSS_DB = 0xD5A0DB00  # of NSS alone: the public value beside a private key


class Mechanism(IntEnum):
    """CKM_*: those that Trustworks may use or that an operator would look for."""

    RSA_PKCS_KEY_PAIR_GEN = 0x0
    RSA_PKCS = 0x1
    RSA_PKCS_OAEP = 0x9
    RSA_PKCS_PSS = 0xD
    SHA256_RSA_PKCS = 0x40
    SHA384_RSA_PKCS = 0x41
    SHA512_RSA_PKCS = 0x42
    SHA256_RSA_PKCS_PSS = 0x43
    SHA384_RSA_PKCS_PSS = 0x44
    SHA512_RSA_PKCS_PSS = 0x45
    SHA_1 = 0x220
    SHA256 = 0x250
    SHA256_HMAC = 0x251
    SHA384 = 0x260
    SHA512 = 0x270
    GENERIC_SECRET_KEY_GEN = 0x350
    EC_KEY_PAIR_GEN = 0x1040
    ECDSA = 0x1041
    ECDSA_SHA256 = 0x1044
    ECDSA_SHA384 = 0x1045
    ECDSA_SHA512 = 0x1046
    ECDH1_DERIVE = 0x1050
    EC_EDWARDS_KEY_PAIR_GEN = 0x1055
    EDDSA = 0x1057
    AES_KEY_GEN = 0x1080
    AES_CBC_PAD = 0x1085
    AES_GCM = 0x1087
    AES_KEY_WRAP = 0x2109
    AES_KEY_WRAP_PAD = 0x210A
    AES_KEY_WRAP_KWP = 0x210B
    HKDF_DERIVE = 0x402A
    ML_DSA_KEY_PAIR_GEN = 0x1C
    ML_DSA = 0x1D


class Mgf(IntEnum):
    """CKG_*: mask generation functions."""

    SHA1 = 0x1
    SHA256 = 0x2
    SHA384 = 0x3
    SHA512 = 0x4


class Rv(IntEnum):
    """CKR_*: the answers that are told apart; any other is shown by its number."""

    OK = 0x0
    HOST_MEMORY = 0x2
    SLOT_ID_INVALID = 0x3
    GENERAL_ERROR = 0x5
    FUNCTION_FAILED = 0x6
    ARGUMENTS_BAD = 0x7
    CANT_LOCK = 0xA
    ATTRIBUTE_READ_ONLY = 0x10
    ATTRIBUTE_SENSITIVE = 0x11
    ATTRIBUTE_TYPE_INVALID = 0x12
    ATTRIBUTE_VALUE_INVALID = 0x13
    ACTION_PROHIBITED = 0x1B
    DATA_LEN_RANGE = 0x21
    DEVICE_ERROR = 0x30
    DEVICE_MEMORY = 0x31
    DEVICE_REMOVED = 0x32
    FUNCTION_NOT_SUPPORTED = 0x54
    KEY_HANDLE_INVALID = 0x60
    KEY_SIZE_RANGE = 0x62
    KEY_TYPE_INCONSISTENT = 0x63
    KEY_FUNCTION_NOT_PERMITTED = 0x68
    KEY_NOT_WRAPPABLE = 0x69
    KEY_UNEXTRACTABLE = 0x6A
    MECHANISM_INVALID = 0x70
    MECHANISM_PARAM_INVALID = 0x71
    OBJECT_HANDLE_INVALID = 0x82
    OPERATION_ACTIVE = 0x90
    OPERATION_NOT_INITIALIZED = 0x91
    PIN_INCORRECT = 0xA0
    PIN_INVALID = 0xA1
    PIN_LEN_RANGE = 0xA2
    PIN_EXPIRED = 0xA3
    PIN_LOCKED = 0xA4
    SESSION_CLOSED = 0xB0
    SESSION_COUNT = 0xB1
    SESSION_HANDLE_INVALID = 0xB3
    SESSION_READ_ONLY = 0xB5
    SESSION_EXISTS = 0xB6
    TEMPLATE_INCOMPLETE = 0xD0
    TEMPLATE_INCONSISTENT = 0xD1
    TOKEN_NOT_PRESENT = 0xE0
    TOKEN_NOT_RECOGNIZED = 0xE1
    TOKEN_WRITE_PROTECTED = 0xE2
    USER_ALREADY_LOGGED_IN = 0x100
    USER_NOT_LOGGED_IN = 0x101
    USER_PIN_NOT_INITIALIZED = 0x102
    DOMAIN_PARAMS_INVALID = 0x130
    CURVE_NOT_SUPPORTED = 0x140
    BUFFER_TOO_SMALL = 0x150
    CRYPTOKI_NOT_INITIALIZED = 0x190
    CRYPTOKI_ALREADY_INITIALIZED = 0x191


# What tells that the connection to the token is lost while the token itself may be well: open again and try
# once more.
LOST: Final = frozenset(
    {
        Rv.SLOT_ID_INVALID,
        Rv.DEVICE_ERROR,
        Rv.DEVICE_REMOVED,
        Rv.KEY_HANDLE_INVALID,
        Rv.OBJECT_HANDLE_INVALID,
        Rv.SESSION_CLOSED,
        Rv.SESSION_HANDLE_INVALID,
        Rv.TOKEN_NOT_PRESENT,
        Rv.USER_NOT_LOGGED_IN,
        Rv.CRYPTOKI_NOT_INITIALIZED,
    }
)
# What tells that the module does not make the kind of key that was asked for.
UNSUPPORTED_KEY: Final = frozenset(
    {
        Rv.ATTRIBUTE_VALUE_INVALID,
        Rv.CURVE_NOT_SUPPORTED,
        Rv.DOMAIN_PARAMS_INVALID,
        Rv.FUNCTION_NOT_SUPPORTED,
        Rv.KEY_SIZE_RANGE,
        Rv.MECHANISM_INVALID,
        Rv.MECHANISM_PARAM_INVALID,
    }
)


def rv_name(value: int) -> str:
    """The name of an answer, such as ``CKR_PIN_INCORRECT``."""
    try:
        return f"CKR_{Rv(value).name}"
    except ValueError:
        return f"CKR 0x{value:08X}"


def mechanism_name(value: int) -> str:
    """The name of a mechanism, such as ``CKM_ECDSA``; the number where the name is not known here."""
    try:
        return f"CKM_{Mechanism(value).name}"
    except ValueError:
        return f"0x{value:08X}"
