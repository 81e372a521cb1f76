import { CountersignError, type KeyAlgorithm } from '@countersign/core';
import { withPinFrom } from './pin.ts';
import type { Pkcs11Uri } from './pkcs11-uri.ts';
import type { SharedModule } from './shared-module.ts';
import { SigningPace } from './signing-pace.ts';
import { TokenAlgorithms } from './token-algorithms.ts';
import { TokenConnection } from './token-connection.ts';
import { LoginHold } from './token-login.ts';
import { describeTokens, matchingTokens, type PresentToken, type TokenIdentity } from './token-selection.ts';

/** The tokens that one provider uses. */
export class ProviderTokens {
  readonly #shared: SharedModule;
  readonly #uri: Pkcs11Uri;
  readonly #maxSessions: number;
  readonly #allowFinalTry: boolean;
  readonly #tokens = new Map<string, ProviderToken>();

  constructor(shared: SharedModule, uri: Pkcs11Uri, maxSessions: number, allowFinalTry: boolean) {
    this.#shared = shared;
    this.#uri = uri;
    this.#maxSessions = maxSessions;
    this.#allowFinalTry = allowFinalTry;
  }

  /** @throws CountersignError `TOKEN_NOT_PRESENT`, `TOKEN_NOT_INITIALIZED` */
  matching(uri: Pkcs11Uri): readonly ProviderToken[] {
    return matchingTokens(this.#shared.module, this.#uri, uri).map((token) => this.#tokenOf(token));
  }

  /** The token that keys are made on. @throws CountersignError `KEY_AMBIGUOUS` if there are several */
  only(): ProviderToken {
    const all = matchingTokens(this.#shared.module, this.#uri);
    const making = all.filter((token) => this.#tokenOf(token).algorithms.algorithms.length > 0);
    const [first, ...others] = making.length > 0 ? making : all;
    if (first === undefined || others.length > 0) {
      throw new CountersignError(
        'KEY_AMBIGUOUS',
        `the provider’s reference matches several tokens: ${describeTokens(all)}`,
        'Name the one to make keys on with token= or serial= in the provider’s uri.',
      );
    }
    return this.#tokenOf(first);
  }

  /** What every one of the tokens that are there can make. */
  algorithms(): readonly KeyAlgorithm[] {
    let tokens: readonly ProviderToken[];
    try {
      tokens = this.matching({});
    } catch (error) {
      // No token, no algorithms; whoever then makes a key is told why.
      if (error instanceof CountersignError) return [];
      throw error;
    }
    const [first, ...others] = tokens.filter(({ algorithms }) => algorithms.algorithms.length > 0);
    return (first?.algorithms.algorithms ?? []).filter((algorithm) =>
      others.every((other) => other.algorithms.algorithms.includes(algorithm)),
    );
  }

  /** Resolves when nothing is in flight and every session is closed. */
  async close(): Promise<void> {
    for (const token of this.#tokens.values()) await token.close();
  }

  #tokenOf(token: PresentToken): ProviderToken {
    const name = JSON.stringify(token.identity);
    const known =
      this.#tokens.get(name) ??
      new ProviderToken(
        new TokenConnection(this.#shared, token, this.#maxSessions),
        new TokenAlgorithms(this.#shared.lib, token.slot),
        this.#uri.pinSource,
        this.#allowFinalTry,
      );
    this.#tokens.set(name, known);
    return known;
  }
}

/** One of a provider's tokens, with what the provider knows of it. */
export class ProviderToken {
  readonly connection: TokenConnection;
  readonly algorithms: TokenAlgorithms;
  /** In whose name the provider and its keys hold the login. */
  readonly owner = {};
  readonly #paces = new Map<string, SigningPace>();
  readonly #pinSource: string | undefined;
  readonly #allowFinalTry: boolean;
  readonly #hold = new LoginHold(this.owner);

  constructor(
    connection: TokenConnection,
    algorithms: TokenAlgorithms,
    pinSource: string | undefined,
    allowFinalTry: boolean,
  ) {
    this.connection = connection;
    this.algorithms = algorithms;
    this.#pinSource = pinSource;
    this.#allowFinalTry = allowFinalTry;
  }

  get identity(): TokenIdentity {
    return this.connection.identity;
  }

  /** Asked of the token: who takes a lost login for one that is there takes all keys for destroyed. */
  get seesPrivateKeys(): boolean {
    return !this.connection.loginRequired || this.connection.login.confirmAnew();
  }

  paceOf(algorithm: KeyAlgorithm): SigningPace {
    const pace = this.#paces.get(algorithm) ?? new SigningPace();
    this.#paces.set(algorithm, pace);
    return pace;
  }

  /**
   * Holds the login for a change to the token: the one that an unlocked key of this provider gives, or one from the
   * provider's pin-source.
   * @returns what releases it
   * @throws CountersignError `PIN_REQUIRED`
   */
  async logIn(): Promise<() => void> {
    const { login, loginRequired } = this.connection;
    if (!loginRequired) return () => undefined;
    if (!login.heldBy(this.owner)) {
      if (this.#pinSource === undefined) throw this.#pinRequired();
      await this.logInFrom(undefined);
    }
    const hold = new LoginHold(this.owner);
    login.join(hold);
    return () => login.release(hold);
  }

  logInWith(pin: Uint8Array, allowFinalTry: boolean): () => void {
    const { login, loginRequired } = this.connection;
    if (!loginRequired) return () => undefined;
    const hold = new LoginHold(this.owner);
    login.acquire(this.connection.present().slot, hold, pin, allowFinalTry);
    return () => login.release(hold);
  }

  /** Logs the provider in from a pin-source, its own unless another is given, until it closes. */
  async logInFrom(pinSource: string | undefined): Promise<void> {
    const source = pinSource ?? this.#pinSource;
    const { login, loginRequired } = this.connection;
    if (source === undefined || !loginRequired || login.heldBy(this.owner)) return;
    await withPinFrom(source, (pin) => {
      login.acquire(this.connection.present().slot, this.#hold, pin, this.#allowFinalTry);
    });
  }

  /** Checked again right before the change: another part of the process may have logged out. */
  assertLoggedIn(): void {
    const { login, loginRequired } = this.connection;
    if (loginRequired && !(login.confirmAnew() && login.heldBy(this.owner))) throw this.#pinRequired();
  }

  async close(): Promise<void> {
    await this.connection.close();
    this.connection.login.release(this.#hold);
  }

  #pinRequired(): CountersignError {
    return new CountersignError(
      'PIN_REQUIRED',
      `no key of the token ${JSON.stringify(this.identity.label)} is unlocked, and changes to a token want its PIN`,
      'Unlock a key of this token first, give generate() a PIN, or name a pin-source in the provider’s uri.',
    );
  }
}
