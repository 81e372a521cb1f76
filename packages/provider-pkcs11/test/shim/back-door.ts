import pkcs11js from 'pkcs11js';

/** The same token in the same process, past the shim: what is really there. */
export class BackDoor {
  readonly #lib = new pkcs11js.PKCS11();
  readonly #tokenLabel: string;
  readonly #pin: string;

  /** @param realModule which somebody else initializes */
  constructor(realModule: string, tokenLabel: string, pin: string) {
    this.#lib.load(realModule);
    this.#tokenLabel = tokenLabel;
    this.#pin = pin;
  }

  /** Every object on the token, as its class (2: public key, 3: private key, 1: certificate) and CKA_ID in hexadecimal. */
  objects(): readonly string[] {
    return this.#inSession((session) => {
      const isLoggedIn = this.#isLoggedIn(session);
      if (!isLoggedIn) this.#lib.C_Login(session, pkcs11js.CKU_USER, this.#pin);
      const found = this.#find(session);
      if (!isLoggedIn) this.#lib.C_Logout(session);
      return found.toSorted();
    });
  }

  #find(session: Buffer): string[] {
    const found: string[] = [];
    this.#lib.C_FindObjectsInit(session, [{ type: pkcs11js.CKA_TOKEN, value: true }]);
    for (;;) {
      const object = this.#lib.C_FindObjects(session);
      if (object === null) break;
      const [type, id] = this.#lib.C_GetAttributeValue(session, object, [
        { type: pkcs11js.CKA_CLASS },
        { type: pkcs11js.CKA_ID },
      ]);
      found.push(`${hexadecimal(type?.value).slice(0, 2)} ${hexadecimal(id?.value)}`);
    }
    this.#lib.C_FindObjectsFinal(session);
    return found;
  }

  #isLoggedIn(session: Buffer): boolean {
    return this.#lib.C_GetSessionInfo(session).state === readOnlyUserFunctions;
  }

  /** Closing its last session logs an application out: somebody else's has to be open for a login to stay. */
  #inSession<T>(work: (session: Buffer) => T): T {
    const session = this.#lib.C_OpenSession(this.#slot(), pkcs11js.CKF_SERIAL_SESSION);
    try {
      return work(session);
    } finally {
      this.#lib.C_CloseSession(session);
    }
  }

  /** Logs the whole process out, as any other part of it may. */
  logOut(): void {
    this.#inSession((session) => this.#lib.C_Logout(session));
  }

  /** Does nothing where somebody is logged in. */
  logIn(): void {
    this.#inSession((session) => {
      if (!this.#isLoggedIn(session)) this.#lib.C_Login(session, pkcs11js.CKU_USER, this.#pin);
    });
  }

  #slot(): Buffer {
    const found = this.#lib
      .C_GetSlotList(true)
      .find((slot) => this.#lib.C_GetTokenInfo(slot).label.startsWith(this.#tokenLabel));
    if (found === undefined) throw new Error('the token is not there');
    return found;
  }
}

/** CKS_RO_USER_FUNCTIONS, which pkcs11js declares and does not have. */
const readOnlyUserFunctions = 1;

function hexadecimal(value: unknown): string {
  return Buffer.isBuffer(value) ? value.toString('hex') : '';
}
