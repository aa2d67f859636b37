"""The part of PKCS#11's C header that the binding uses, as cffi reads it.

The function list is complete up to version 2.40, because its order is the interface: what is not used yet,
such as C_DeriveKey, is reached by adding a method to `Cryptoki`, not by touching this file.

Source: OASIS PKCS#11 2.40, 3.1 and 3.2, `pkcs11t.h` and `pkcs11f.h` (names, order and layout only).
"""

from __future__ import annotations

from typing import Final

TYPES: Final = """
typedef unsigned char CK_BYTE;
typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV;
typedef struct { CK_BYTE major; CK_BYTE minor; } CK_VERSION;
typedef struct {
    CK_VERSION cryptokiVersion; CK_BYTE manufacturerID[32]; CK_ULONG flags;
    CK_BYTE libraryDescription[32]; CK_VERSION libraryVersion;
} CK_INFO;
typedef struct {
    CK_BYTE slotDescription[64]; CK_BYTE manufacturerID[32]; CK_ULONG flags;
    CK_VERSION hardwareVersion; CK_VERSION firmwareVersion;
} CK_SLOT_INFO;
typedef struct {
    CK_BYTE label[32]; CK_BYTE manufacturerID[32]; CK_BYTE model[16]; CK_BYTE serialNumber[16];
    CK_ULONG flags;
    CK_ULONG ulMaxSessionCount; CK_ULONG ulSessionCount;
    CK_ULONG ulMaxRwSessionCount; CK_ULONG ulRwSessionCount;
    CK_ULONG ulMaxPinLen; CK_ULONG ulMinPinLen;
    CK_ULONG ulTotalPublicMemory; CK_ULONG ulFreePublicMemory;
    CK_ULONG ulTotalPrivateMemory; CK_ULONG ulFreePrivateMemory;
    CK_VERSION hardwareVersion; CK_VERSION firmwareVersion; CK_BYTE utcTime[16];
} CK_TOKEN_INFO;
typedef struct { CK_ULONG slotID; CK_ULONG state; CK_ULONG flags; CK_ULONG ulDeviceError; } CK_SESSION_INFO;
typedef struct { CK_ULONG type; void *pValue; CK_ULONG ulValueLen; } CK_ATTRIBUTE;
typedef struct { CK_ULONG mechanism; void *pParameter; CK_ULONG ulParameterLen; } CK_MECHANISM;
typedef struct { CK_ULONG ulMinKeySize; CK_ULONG ulMaxKeySize; CK_ULONG flags; } CK_MECHANISM_INFO;
typedef struct { CK_ULONG hashAlg; CK_ULONG mgf; CK_ULONG sLen; } CK_RSA_PKCS_PSS_PARAMS;
typedef struct {
    CK_ULONG hashAlg; CK_ULONG mgf; CK_ULONG source; void *pSourceData; CK_ULONG ulSourceDataLen;
} CK_RSA_PKCS_OAEP_PARAMS;
typedef struct {
    CK_BYTE *pIv; CK_ULONG ulIvLen; CK_ULONG ulIvBits; CK_BYTE *pAAD; CK_ULONG ulAADLen; CK_ULONG ulTagBits;
} CK_GCM_PARAMS;
typedef struct {
    void *CreateMutex; void *DestroyMutex; void *LockMutex; void *UnlockMutex;
    CK_ULONG flags; void *pReserved; void *nssReserved;
} CK_C_INITIALIZE_ARGS;
typedef struct { char *pInterfaceName; void *pFunctionList; CK_ULONG flags; } CK_INTERFACE;
"""

# One line for each entry of CK_FUNCTION_LIST 2.40, in its order: name, then the parameters' C types.
FUNCTIONS: Final = """
C_Initialize: void*
C_Finalize: void*
C_GetInfo: CK_INFO*
C_GetFunctionList: void**
C_GetSlotList: CK_BYTE, CK_ULONG*, CK_ULONG*
C_GetSlotInfo: CK_ULONG, CK_SLOT_INFO*
C_GetTokenInfo: CK_ULONG, CK_TOKEN_INFO*
C_GetMechanismList: CK_ULONG, CK_ULONG*, CK_ULONG*
C_GetMechanismInfo: CK_ULONG, CK_ULONG, CK_MECHANISM_INFO*
C_InitToken: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*
C_InitPIN: CK_ULONG, CK_BYTE*, CK_ULONG
C_SetPIN: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG
C_OpenSession: CK_ULONG, CK_ULONG, void*, void*, CK_ULONG*
C_CloseSession: CK_ULONG
C_CloseAllSessions: CK_ULONG
C_GetSessionInfo: CK_ULONG, CK_SESSION_INFO*
C_GetOperationState: CK_ULONG, CK_BYTE*, CK_ULONG*
C_SetOperationState: CK_ULONG, CK_BYTE*, CK_ULONG, CK_ULONG, CK_ULONG
C_Login: CK_ULONG, CK_ULONG, CK_BYTE*, CK_ULONG
C_Logout: CK_ULONG
C_CreateObject: CK_ULONG, CK_ATTRIBUTE*, CK_ULONG, CK_ULONG*
C_CopyObject: CK_ULONG, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG, CK_ULONG*
C_DestroyObject: CK_ULONG, CK_ULONG
C_GetObjectSize: CK_ULONG, CK_ULONG, CK_ULONG*
C_GetAttributeValue: CK_ULONG, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG
C_SetAttributeValue: CK_ULONG, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG
C_FindObjectsInit: CK_ULONG, CK_ATTRIBUTE*, CK_ULONG
C_FindObjects: CK_ULONG, CK_ULONG*, CK_ULONG, CK_ULONG*
C_FindObjectsFinal: CK_ULONG
C_EncryptInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_Encrypt: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_EncryptUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_EncryptFinal: CK_ULONG, CK_BYTE*, CK_ULONG*
C_DecryptInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_Decrypt: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DecryptUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DecryptFinal: CK_ULONG, CK_BYTE*, CK_ULONG*
C_DigestInit: CK_ULONG, CK_MECHANISM*
C_Digest: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DigestUpdate: CK_ULONG, CK_BYTE*, CK_ULONG
C_DigestKey: CK_ULONG, CK_ULONG
C_DigestFinal: CK_ULONG, CK_BYTE*, CK_ULONG*
C_SignInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_Sign: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_SignUpdate: CK_ULONG, CK_BYTE*, CK_ULONG
C_SignFinal: CK_ULONG, CK_BYTE*, CK_ULONG*
C_SignRecoverInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_SignRecover: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_VerifyInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_Verify: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG
C_VerifyUpdate: CK_ULONG, CK_BYTE*, CK_ULONG
C_VerifyFinal: CK_ULONG, CK_BYTE*, CK_ULONG
C_VerifyRecoverInit: CK_ULONG, CK_MECHANISM*, CK_ULONG
C_VerifyRecover: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DigestEncryptUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DecryptDigestUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_SignEncryptUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_DecryptVerifyUpdate: CK_ULONG, CK_BYTE*, CK_ULONG, CK_BYTE*, CK_ULONG*
C_GenerateKey: CK_ULONG, CK_MECHANISM*, CK_ATTRIBUTE*, CK_ULONG, CK_ULONG*
C_GenerateKeyPair: CK_ULONG, CK_MECHANISM*, CK_ATTRIBUTE*, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG, void*, void*
C_WrapKey: CK_ULONG, CK_MECHANISM*, CK_ULONG, CK_ULONG, CK_BYTE*, CK_ULONG*
C_UnwrapKey: CK_ULONG, CK_MECHANISM*, CK_ULONG, CK_BYTE*, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG, CK_ULONG*
C_DeriveKey: CK_ULONG, CK_MECHANISM*, CK_ULONG, CK_ATTRIBUTE*, CK_ULONG, CK_ULONG*
C_SeedRandom: CK_ULONG, CK_BYTE*, CK_ULONG
C_GenerateRandom: CK_ULONG, CK_BYTE*, CK_ULONG
C_GetFunctionStatus: CK_ULONG
C_CancelFunction: CK_ULONG
C_WaitForSlotEvent: CK_ULONG, CK_ULONG*, void*
"""

# What version 3.2 has between those and C_GetSessionValidationFlags: 24 functions of 3.0, then six of its
# own.
_FUNCTIONS_BETWEEN: Final = 30


def declarations() -> str:
    """The whole header: the types, the function list, and the two symbols that a library exports."""
    members = (line.split(": ", 1) for line in FUNCTIONS.strip().splitlines())
    pointers = "".join(f"    CK_RV (*{name})({parameters});\n" for name, parameters in members)
    return (
        f"{TYPES}typedef struct {{ CK_VERSION version;\n{pointers}}} CK_FUNCTION_LIST;\nCK_RV "
        "C_GetFunctionList(CK_FUNCTION_LIST **list);\nCK_RV C_GetInterfaceList(CK_INTERFACE *interfaces, "
        "CK_ULONG *count);\n"
        f"typedef struct {{ CK_FUNCTION_LIST earlier; void *between[{_FUNCTIONS_BETWEEN}];\n    CK_RV "
        "(*C_GetSessionValidationFlags)(CK_ULONG, CK_ULONG, CK_ULONG*);\n} CK_FUNCTION_LIST_3_2;\n"
    )
