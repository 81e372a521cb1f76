/*
 * A PKCS#11 module that hands every call on to another one (REAL_MODULE, given to the compiler) and does wrong what its
 * control file says. The file lies beside the library, under its name with ".control" after it, and is mapped: numbers of 64
 * bits, in the order of `struct control`. fault-shim.ts writes it.
 */
#define _GNU_SOURCE
#include "cryptoki.h"
#include <dlfcn.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum effect {
  REFUSE = 1,      /* return `returnValue`, do nothing */
  DO_AND_REFUSE,   /* do it, then return `returnValue` all the same */
  LOSE_SESSION,    /* close the session behind its owner's back, then go on */
  FLIP_BIT,        /* of the signature */
  CHANGE_LENGTH,   /* of the signature, by `returnValue` octets (two's complement) */
};

static struct control {
  /* The fault: at calls of `function` (its place in the list, ANY_FUNCTION for each), `skip` of them spared, `times` times. */
  uint64_t function, effect, returnValue;
  int64_t skip, times;
  uint64_t injected; /* how often it happened */
  uint64_t away;     /* not 0: the token is out of its slot, and its sessions are answered with this */
  uint64_t slotShift;  /* added to every slot number, as if the token came back elsewhere */
  uint64_t tokenFlags; /* set in what C_GetTokenInfo returns */
  uint64_t signDelayMs;
  int64_t sessions, mostSessions; /* that are open through this shim, now and at any time */
  uint64_t struckFunction; /* where the fault struck last */
  uint64_t reserved[3];
  uint64_t calls[FUNCTION_COUNT];
} *control;

#define ANY_FUNCTION 1000

static CK_FUNCTION_LIST *real, shim;

#define REAL(name, parameters) ((CK_RV(*) parameters)real->functions[AT_##name])

/* Counts the call. True if the fault strikes at this one. */
static int strikes(int function) {
  __atomic_fetch_add(&control->calls[function], 1, __ATOMIC_SEQ_CST);
  if (control->effect == 0 || (control->function != ANY_FUNCTION && control->function != (uint64_t)function)) return 0;
  if (__atomic_fetch_sub(&control->skip, 1, __ATOMIC_SEQ_CST) > 0) return 0;
  if (__atomic_fetch_sub(&control->times, 1, __ATOMIC_SEQ_CST) <= 0) return 0;
  control->struckFunction = (uint64_t)function;
  __atomic_fetch_add(&control->injected, 1, __ATOMIC_SEQ_CST);
  return 1;
}

/* SoftHSM does not tell how many sessions are open. */
static void countSession(int change) {
  int64_t now = __atomic_add_fetch(&control->sessions, change, __ATOMIC_SEQ_CST);
  if (now > control->mostSessions) control->mostSessions = now;
}

static CK_RV closeReally(CK_SESSION_HANDLE session) {
  CK_RV returned = REAL(C_CloseSession, (CK_SESSION_HANDLE))(session);
  if (returned == CKR_OK) countSession(-1);
  return returned;
}

/* Held for reading by whoever is inside the real module: SoftHSM crashes if sessions are closed while they sign. */
static pthread_rwlock_t inside = PTHREAD_RWLOCK_INITIALIZER;

/* A token that is pulled out forgets its sessions, and with them who was logged in. */
static void forgetSessionsOnceAway(void) {
  static uint64_t wasAway;
  uint64_t away = control->away;
  if (__atomic_exchange_n(&wasAway, away, __ATOMIC_SEQ_CST) != 0 || away == 0) return;
  pthread_rwlock_wrlock(&inside);
  CK_SLOT_ID slots[64];
  CK_ULONG count = 64;
  REAL(C_GetSlotList, (CK_BBOOL, CK_SLOT_ID *, CK_ULONG *))(1, slots, &count);
  for (CK_ULONG index = 0; index < count; index += 1) REAL(C_CloseAllSessions, (CK_SLOT_ID))(slots[index]);
  control->sessions = 0;
  pthread_rwlock_unlock(&inside);
}

/* Enters the real module. 0, and still outside, if the token is away. */
static int enter(void) {
  forgetSessionsOnceAway();
  pthread_rwlock_rdlock(&inside);
  if (!control->away) return 1;
  pthread_rwlock_unlock(&inside);
  return 0;
}

static CK_RV leave(CK_RV returned) {
  pthread_rwlock_unlock(&inside);
  return returned;
}

/* A function whose first argument is a session. */
#define OF_SESSION(name, parameters, arguments)                                                                        \
  static CK_RV name parameters {                                                                                       \
    int struck = strikes(AT_##name);                                                                                   \
    if (struck && control->effect == REFUSE) return control->returnValue;                                              \
    if (!enter()) return control->away;                                                                                \
    if (struck && control->effect == LOSE_SESSION) closeReally(session);                                               \
    CK_RV returned = leave(REAL(name, parameters) arguments);                                                          \
    return struck && control->effect == DO_AND_REFUSE ? control->returnValue : returned;                               \
  }

/* A function whose first argument is a slot. */
#define OF_SLOT(name, parameters, arguments)                                                                           \
  static CK_RV name parameters {                                                                                       \
    if (strikes(AT_##name) && control->effect == REFUSE) return control->returnValue;                                  \
    if (!enter()) return control->away;                                                                                \
    slot -= control->slotShift;                                                                                        \
    return leave(REAL(name, parameters) arguments);                                                                    \
  }

OF_SLOT(C_GetSlotInfo, (CK_SLOT_ID slot, void *info), (slot, info))
OF_SLOT(C_GetMechanismList, (CK_SLOT_ID slot, void *list, void *count), (slot, list, count))
OF_SLOT(C_GetMechanismInfo, (CK_SLOT_ID slot, CK_ULONG type, void *info), (slot, type, info))
OF_SESSION(C_SetPIN, (CK_SESSION_HANDLE session, void *old, CK_ULONG oldLength, void *new, CK_ULONG newLength),
           (session, old, oldLength, new, newLength))
OF_SESSION(C_Login, (CK_SESSION_HANDLE session, CK_ULONG user, void *pin, CK_ULONG length),
           (session, user, pin, length))
OF_SESSION(C_Logout, (CK_SESSION_HANDLE session), (session))
OF_SESSION(C_CreateObject, (CK_SESSION_HANDLE session, void *template, CK_ULONG count, void *object),
           (session, template, count, object))
OF_SESSION(C_DestroyObject, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object), (session, object))
OF_SESSION(C_GetAttributeValue, (CK_SESSION_HANDLE session, CK_OBJECT_HANDLE object, void *template, CK_ULONG count),
           (session, object, template, count))
OF_SESSION(C_FindObjectsInit, (CK_SESSION_HANDLE session, void *template, CK_ULONG count), (session, template, count))
OF_SESSION(C_FindObjects, (CK_SESSION_HANDLE session, void *objects, CK_ULONG most, void *count),
           (session, objects, most, count))
OF_SESSION(C_FindObjectsFinal, (CK_SESSION_HANDLE session), (session))
OF_SESSION(C_SignInit, (CK_SESSION_HANDLE session, void *mechanism, CK_OBJECT_HANDLE key), (session, mechanism, key))
OF_SESSION(C_GenerateKeyPair,
           (CK_SESSION_HANDLE session, void *mechanism, void *publicTemplate, CK_ULONG publicCount,
            void *privateTemplate, CK_ULONG privateCount, void *publicKey, void *privateKey),
           (session, mechanism, publicTemplate, publicCount, privateTemplate, privateCount, publicKey, privateKey))

static CK_RV C_OpenSession(CK_SLOT_ID slot, CK_FLAGS flags, void *application, void *notify, CK_SESSION_HANDLE *session) {
  if (strikes(AT_C_OpenSession) && control->effect == REFUSE) return control->returnValue;
  if (!enter()) return control->away;
  CK_RV returned = REAL(C_OpenSession, (CK_SLOT_ID, CK_FLAGS, void *, void *, CK_SESSION_HANDLE *))(
      slot - control->slotShift, flags, application, notify, session);
  if (returned == CKR_OK) countSession(1);
  return leave(returned);
}

static CK_RV C_CloseSession(CK_SESSION_HANDLE session) {
  if (strikes(AT_C_CloseSession) && control->effect == REFUSE) return control->returnValue;
  if (!enter()) return control->away;
  return leave(closeReally(session));
}

static CK_RV C_GetSessionInfo(CK_SESSION_HANDLE session, CK_SESSION_INFO *info) {
  if (strikes(AT_C_GetSessionInfo) && control->effect == REFUSE) return control->returnValue;
  if (!enter()) return control->away;
  CK_RV returned = leave(REAL(C_GetSessionInfo, (CK_SESSION_HANDLE, CK_SESSION_INFO *))(session, info));
  if (returned == CKR_OK) info->slotID += control->slotShift;
  return returned;
}

static CK_RV C_GetSlotList(CK_BBOOL tokenPresent, CK_SLOT_ID *slots, CK_ULONG *count) {
  if (strikes(AT_C_GetSlotList) && control->effect == REFUSE) return control->returnValue;
  if (!enter()) {
    *count = 0;
    return CKR_OK;
  }
  CK_RV returned = leave(REAL(C_GetSlotList, (CK_BBOOL, CK_SLOT_ID *, CK_ULONG *))(tokenPresent, slots, count));
  if (returned == CKR_OK && slots != NULL) {
    for (CK_ULONG index = 0; index < *count; index += 1) slots[index] += control->slotShift;
  }
  return returned;
}

static CK_RV C_GetTokenInfo(CK_SLOT_ID slot, CK_TOKEN_INFO *info) {
  if (strikes(AT_C_GetTokenInfo) && control->effect == REFUSE) return control->returnValue;
  if (!enter()) return control->away;
  CK_RV returned = leave(REAL(C_GetTokenInfo, (CK_SLOT_ID, CK_TOKEN_INFO *))(slot - control->slotShift, info));
  if (returned == CKR_OK) info->flags |= control->tokenFlags;
  return returned;
}

static CK_RV C_Sign(CK_SESSION_HANDLE session, CK_BYTE *data, CK_ULONG length, CK_BYTE *signature, CK_ULONG *signatureLength) {
  int struck = strikes(AT_C_Sign);
  if (struck && control->effect == REFUSE) return control->returnValue;
  if (!enter()) return control->away;
  if (struck && control->effect == LOSE_SESSION) closeReally(session);
  if (control->signDelayMs > 0) {
    struct timespec pause = {0, (long)control->signDelayMs * 1000000};
    nanosleep(&pause, NULL);
  }
  CK_RV returned = leave(REAL(C_Sign, (CK_SESSION_HANDLE, CK_BYTE *, CK_ULONG, CK_BYTE *, CK_ULONG *))(
      session, data, length, signature, signatureLength));
  if (!struck || returned != CKR_OK) return returned;
  if (control->effect == DO_AND_REFUSE) return control->returnValue;
  if (control->effect == FLIP_BIT) signature[*signatureLength / 2] ^= 1;
  if (control->effect == CHANGE_LENGTH) *signatureLength += control->returnValue;
  return CKR_OK;
}

/* The control file, mapped; a shim without one is of no use. */
static int mapControl(void) {
  Dl_info self;
  char path[4096];
  if (dladdr((void *)mapControl, &self) == 0) return 0;
  snprintf(path, sizeof path, "%s.control", self.dli_fname);
  int file = open(path, O_RDWR | O_CLOEXEC);
  if (file < 0) return 0;
  void *mapped = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return 0;
  control = mapped;
  return 1;
}

CK_RV C_GetFunctionList(CK_FUNCTION_LIST **list) {
  const CK_RV generalError = 5;
  if (real == NULL) {
    void *library = dlopen(REAL_MODULE, RTLD_NOW);
    if (library == NULL || !mapControl()) return generalError;
    CK_RV (*getFunctionList)(CK_FUNCTION_LIST **) = (CK_RV(*)(CK_FUNCTION_LIST **))dlsym(library, "C_GetFunctionList");
    CK_RV returned = getFunctionList == NULL ? generalError : getFunctionList(&real);
    if (returned != CKR_OK) return returned;
    memcpy(&shim, real, sizeof shim);
#define REPLACE(name) shim.functions[AT_##name] = (void *)name;
    REPLACE(C_GetSlotList) REPLACE(C_GetSlotInfo) REPLACE(C_GetTokenInfo) REPLACE(C_GetMechanismList)
    REPLACE(C_GetMechanismInfo) REPLACE(C_SetPIN) REPLACE(C_OpenSession) REPLACE(C_CloseSession)
    REPLACE(C_GetSessionInfo) REPLACE(C_Login) REPLACE(C_Logout) REPLACE(C_CreateObject) REPLACE(C_DestroyObject)
    REPLACE(C_GetAttributeValue) REPLACE(C_FindObjectsInit) REPLACE(C_FindObjects) REPLACE(C_FindObjectsFinal)
    REPLACE(C_SignInit) REPLACE(C_Sign) REPLACE(C_GenerateKeyPair)
  }
  *list = &shim;
  return CKR_OK;
}
