export const PLANT_STATES = ['RUNNING', 'STOPPED', 'MAINTENANCE', 'OTHER'] as const;

export type PlantState = (typeof PLANT_STATES)[number];

/** What a power plant told of itself at an instant. A measure that it did not tell is null. */
export interface PlantReading {
  /** `lutersarni`. */
  readonly plant: string;
  /** Milliseconds UTC. */
  readonly at: number;
  readonly state: PlantState;
  /** In the operator's own words: `in Betrieb`. */
  readonly rawState: string;
  readonly voltageKv: number | null;
  /** More than 0: it feeds in. */
  readonly activeMw: number | null;
  readonly reactiveMvar: number | null;
  readonly windKmh: number | null;
}

/** A reading and the time at which it was published. */
export interface VersionedPlantReading extends PlantReading {
  readonly publishedAt: number;
}
