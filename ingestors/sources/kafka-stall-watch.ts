/**
 * Tells whether a kafkajs consumer still reads. Its connections may look alive while it fetches nothing for good, so
 * liveness is progress: fetches come back, and a partition that waits for records while there are some moves on.
 */
const FETCH_SILENCE_MS_MAX = 90_000;

export interface WaitingLane {
  readonly key: string;
  readonly position: number;
  readonly end: number;
}

export class StallWatch {
  #fetchedAt: number | undefined;
  #behind = new Map<string, number>();

  fetched(now: number): void {
    this.#fetchedAt = now;
  }

  /** Nothing is fetched now for a reason of our own: the silence is counted from here on. */
  heldUp(now: number): void {
    this.#fetchedAt = now;
  }

  /**
   * To be called every half minute or so.
   * @param waiting the lanes for which nothing but records is missing to go on.
   * @returns what is wrong, where something is: the second look in a row shows the same lane behind at one position,
   *   or no fetch has come back for 90 s.
   */
  look(now: number, waiting: readonly WaitingLane[]): string | undefined {
    this.#fetchedAt ??= now;
    const silenceMs = now - this.#fetchedAt;
    if (silenceMs > FETCH_SILENCE_MS_MAX) return `no fetch came back for ${silenceMs} ms`;
    const behind = waiting.filter(({ position, end }) => position < end);
    const stuck = behind.find(({ key, position }) => this.#behind.get(key) === position);
    this.#behind = new Map(behind.map(({ key, position }) => [key, position]));
    return stuck && `${stuck.key} stays at ${stuck.position} while the log ends at ${stuck.end}`;
  }
}
