/** Wakes the one reader of a partition. A ring between its look at the log and its wait is not missed. */
export class Bell {
  #rings = 0;
  #wake: () => void = () => {};

  get rings(): number {
    return this.#rings;
  }

  ring(): void {
    this.#rings++;
    this.#wake();
  }

  /** Resolves once there were more rings than `heard`, after the time, or when the signal is aborted. */
  async next(heard: number, durationMsMax: number, signal: AbortSignal): Promise<void> {
    if (this.#rings > heard || signal.aborted) return;
    await new Promise<void>((resolve) => {
      const wake = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', wake);
        this.#wake = () => {};
        resolve();
      };
      const timer = setTimeout(wake, durationMsMax);
      signal.addEventListener('abort', wake);
      this.#wake = wake;
    });
  }
}
