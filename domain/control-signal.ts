/** How long a ripple control signal stood: a grid operator switches what listens to it, say boilers, on and off by it. */
export interface ControlSignal {
  /** `CKW`. */
  readonly provider: string;
  /** The operator's own name: `000R`. */
  readonly name: string;
  /** `Boiler 4 h`. */
  readonly description: string;
  /** The day that the operator counts it to, in its own time zone: `2025-07-08`. */
  readonly date: string;
  /** Milliseconds UTC; half-open. */
  readonly startAt: number;
  readonly endAt: number;
}

/** A signal and the time at which it was published. */
export interface VersionedControlSignal extends ControlSignal {
  readonly publishedAt: number;
}
