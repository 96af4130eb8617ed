import { z } from 'zod';
import { MINUTE_MS } from '../../../domain/instant.ts';
import { PLANT_STATES, type PlantReading, type VersionedPlantReading } from '../../../domain/plant-status.ts';
import { createVersionWriter, instantText } from '../store/versioned-table.ts';
import type { Impossible, Version } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { NOWHERE } from './places.ts';
import { impossibleInterval, impossibleVersion } from './plausible.ts';
import { writtenBy } from './versions.ts';

/**
 * Beyond any plant there is and any storm: 1,200 kV lines exist, the largest plant has 22,500 MW, and no wind was measured
 * above 500 km/h.
 */
const MEASURE_MAX = { voltageKv: 1_500, activeMw: 30_000, reactiveMvar: 30_000, windKmh: 500 } as const;

/** What power plants tell of themselves. */
export function createPlantStatusFamily(): FamilyOf<'plant-status'> {
  return {
    places: NOWHERE,
    judge,
    rangeOf: ({ at }) => ({ from: at, to: at }),
    textOf: ({ plant, at, state, rawState, voltageKv, activeMw, reactiveMvar, windKmh }) =>
      JSON.stringify({ plant, at, state, rawState, voltageKv, activeMw, reactiveMvar, windKmh }),
    factFrom: (text) => FACT.parse(JSON.parse(text)),
    write: writtenBy(writeVersions),
    committed: () => {},
  };
}

const writeVersions = createVersionWriter<VersionedPlantReading>({
  name: 'plant_status',
  key: [
    { name: 'plant', type: 'text', of: ({ plant }) => plant },
    { name: 'at', type: 'timestamptz', of: ({ at }) => instantText(at) },
  ],
  values: [
    { name: 'raw_state', type: 'text', of: ({ rawState }) => rawState },
    { name: 'voltage_kv', type: 'float8', of: ({ voltageKv }) => voltageKv },
    { name: 'active_mw', type: 'float8', of: ({ activeMw }) => activeMw },
    { name: 'reactive_mvar', type: 'float8', of: ({ reactiveMvar }) => reactiveMvar },
    { name: 'wind_kmh', type: 'float8', of: ({ windKmh }) => windKmh },
  ],
  derived: [{ name: 'state', type: 'plant_state', of: ({ state }) => state }],
});

function judge(reading: PlantReading, version: Version, now: number): VersionedPlantReading | Impossible {
  const impossible =
    impossibleInterval(reading.at, reading.at + MINUTE_MS, now) ??
    impossibleVersion(version, now) ??
    impossibleMeasure(reading);
  return impossible ?? { ...reading, publishedAt: version.publishedAt };
}

function impossibleMeasure(reading: PlantReading): Impossible | undefined {
  for (const name of ['voltageKv', 'activeMw', 'reactiveMvar', 'windKmh'] as const) {
    const value = reading[name];
    if (value !== null && !(Math.abs(value) <= MEASURE_MAX[name])) {
      return { code: 'BAD_VALUE', reason: `${name} is ${value}: more than any plant has (${MEASURE_MAX[name]})` };
    }
  }
  return undefined;
}

const FACT = z.object({
  plant: z.string(),
  at: z.number(),
  state: z.enum(PLANT_STATES),
  rawState: z.string(),
  voltageKv: z.number().nullable(),
  activeMw: z.number().nullable(),
  reactiveMvar: z.number().nullable(),
  windKmh: z.number().nullable(),
});
