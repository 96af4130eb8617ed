/** `Bearer <API key or token>`; a function is told whether the last one it gave will not do any more. */
export type Authorization = string | ((asked: { readonly fresh: boolean }) => string | Promise<string>);

/** What a client shows the gateway, and whether it was refused. */
export class Credential {
  readonly #authorization: Authorization;
  #isRefused = false;

  constructor(authorization: Authorization) {
    this.#authorization = authorization;
  }

  /** What to show; a fresh one after a refusal. */
  async current(): Promise<string> {
    const fresh = this.#isRefused;
    this.#isRefused = false;
    return this.#ask(fresh);
  }

  /** A fresh one. */
  next(): Promise<string> {
    return this.#ask(true);
  }

  /** The gateway did not take the last one, or no longer does. */
  refuse(): void {
    this.#isRefused = true;
  }

  async #ask(fresh: boolean): Promise<string> {
    return typeof this.#authorization === 'function' ? this.#authorization({ fresh }) : this.#authorization;
  }
}
