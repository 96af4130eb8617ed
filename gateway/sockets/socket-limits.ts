/** What one may take of the gateway over WebSockets and event streams. */
export interface SocketLimits {
  readonly socketsMax: number;
  /** Of one subject, its event streams by HTTP included; nobody is one where the gateway is open. */
  readonly perIdentityMax: number;
  /** That have not said who they are; one more takes the place of the oldest. */
  readonly silentMax: number;
  /** Under way on one socket, subscriptions included. */
  readonly operationsMax: number;
  readonly messageBytesMax: number;
  /** How long a socket may take to say who it is. */
  readonly initMs: number;
  /** How often it is asked whether it lives. */
  readonly pingMs: number;
  /** How long before its credential ends a socket is told. */
  readonly warningMs: number;
  /** How long each result of a stream may wait to be taken once the stream has ended, before the connection is cut. */
  readonly untakenMsMax: number;
}

export const SOCKET_LIMITS: SocketLimits = {
  socketsMax: 10_000,
  perIdentityMax: 100,
  silentMax: 2_000,
  operationsMax: 200,
  messageBytesMax: 1024 * 1024,
  initMs: 5_000,
  pingMs: 12_000,
  warningMs: 60_000,
  // Some 200 kB, which is a large one: 13 kB/s.
  untakenMsMax: 15_000,
};
