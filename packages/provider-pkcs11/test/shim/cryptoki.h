/*
 * As much of Cryptoki (PKCS #11 2.40) as the shim needs. On Unix structures have the compiler's own alignment (PKCS #11
 * 2.40, 2.1), so that no packing is asked for. Pointers that are only handed on are void pointers here.
 */
#pragma once

typedef unsigned long CK_ULONG;
typedef CK_ULONG CK_RV, CK_FLAGS, CK_SLOT_ID, CK_SESSION_HANDLE, CK_OBJECT_HANDLE;
typedef unsigned char CK_BYTE, CK_BBOOL;

#define CKR_OK 0UL

typedef struct {
  CK_BYTE major, minor;
} CK_VERSION;

typedef struct {
  CK_BYTE label[32], manufacturerID[32], model[16], serialNumber[16];
  CK_FLAGS flags;
  CK_ULONG counts[10]; /* sessions, PIN lengths and memory: handed on as they are */
  CK_VERSION hardwareVersion, firmwareVersion;
  CK_BYTE utcTime[16];
} CK_TOKEN_INFO;

typedef struct {
  CK_SLOT_ID slotID;
  CK_ULONG state;
  CK_FLAGS flags;
  CK_ULONG ulDeviceError;
} CK_SESSION_INFO;

/* Every function, in the order that CK_FUNCTION_LIST has. */
#define CRYPTOKI_FUNCTIONS(ENTRY)                                                                                      \
  ENTRY(C_Initialize) ENTRY(C_Finalize) ENTRY(C_GetInfo) ENTRY(C_GetFunctionList) ENTRY(C_GetSlotList)                 \
  ENTRY(C_GetSlotInfo) ENTRY(C_GetTokenInfo) ENTRY(C_GetMechanismList) ENTRY(C_GetMechanismInfo) ENTRY(C_InitToken)    \
  ENTRY(C_InitPIN) ENTRY(C_SetPIN) ENTRY(C_OpenSession) ENTRY(C_CloseSession) ENTRY(C_CloseAllSessions)                \
  ENTRY(C_GetSessionInfo) ENTRY(C_GetOperationState) ENTRY(C_SetOperationState) ENTRY(C_Login) ENTRY(C_Logout)         \
  ENTRY(C_CreateObject) ENTRY(C_CopyObject) ENTRY(C_DestroyObject) ENTRY(C_GetObjectSize) ENTRY(C_GetAttributeValue)   \
  ENTRY(C_SetAttributeValue) ENTRY(C_FindObjectsInit) ENTRY(C_FindObjects) ENTRY(C_FindObjectsFinal)                   \
  ENTRY(C_EncryptInit) ENTRY(C_Encrypt) ENTRY(C_EncryptUpdate) ENTRY(C_EncryptFinal) ENTRY(C_DecryptInit)              \
  ENTRY(C_Decrypt) ENTRY(C_DecryptUpdate) ENTRY(C_DecryptFinal) ENTRY(C_DigestInit) ENTRY(C_Digest)                    \
  ENTRY(C_DigestUpdate) ENTRY(C_DigestKey) ENTRY(C_DigestFinal) ENTRY(C_SignInit) ENTRY(C_Sign) ENTRY(C_SignUpdate)    \
  ENTRY(C_SignFinal) ENTRY(C_SignRecoverInit) ENTRY(C_SignRecover) ENTRY(C_VerifyInit) ENTRY(C_Verify)                 \
  ENTRY(C_VerifyUpdate) ENTRY(C_VerifyFinal) ENTRY(C_VerifyRecoverInit) ENTRY(C_VerifyRecover)                         \
  ENTRY(C_DigestEncryptUpdate) ENTRY(C_DecryptDigestUpdate) ENTRY(C_SignEncryptUpdate) ENTRY(C_DecryptVerifyUpdate)    \
  ENTRY(C_GenerateKey) ENTRY(C_GenerateKeyPair) ENTRY(C_WrapKey) ENTRY(C_UnwrapKey) ENTRY(C_DeriveKey)                 \
  ENTRY(C_SeedRandom) ENTRY(C_GenerateRandom) ENTRY(C_GetFunctionStatus) ENTRY(C_CancelFunction)                       \
  ENTRY(C_WaitForSlotEvent)

/* The place of a function in the list: AT_C_Initialize is 0. */
#define PLACE(name) AT_##name,
enum { CRYPTOKI_FUNCTIONS(PLACE) FUNCTION_COUNT };
#undef PLACE

typedef struct {
  CK_VERSION version;
  void *functions[FUNCTION_COUNT];
} CK_FUNCTION_LIST;
