import { z } from 'zod';
import type { ControlSignal, VersionedControlSignal } from '../../../domain/control-signal.ts';
import { createVersionWriter, instantText } from '../store/versioned-table.ts';
import type { Impossible, Version } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { NOWHERE } from './places.ts';
import { impossibleInterval, impossibleVersion } from './plausible.ts';
import { writtenBy } from './versions.ts';

/** Ripple control signals. */
export function createControlSignalsFamily(): FamilyOf<'control-signals'> {
  return {
    places: NOWHERE,
    judge,
    rangeOf: ({ startAt, endAt }) => ({ from: startAt, to: endAt }),
    textOf: ({ provider, name, description, date, startAt, endAt }) =>
      JSON.stringify({ provider, name, description, date, startAt, endAt }),
    factFrom: (text) => FACT.parse(JSON.parse(text)),
    write: writtenBy(writeVersions),
    committed: () => {},
  };
}

const writeVersions = createVersionWriter<VersionedControlSignal>({
  name: 'control_signals',
  key: [
    { name: 'provider', type: 'text', of: ({ provider }) => provider },
    { name: 'name', type: 'text', of: ({ name }) => name },
    { name: 'interval_start', type: 'timestamptz', of: ({ startAt }) => instantText(startAt) },
  ],
  values: [
    { name: 'interval_end', type: 'timestamptz', of: ({ endAt }) => instantText(endAt) },
    { name: 'date', type: 'date', of: ({ date }) => date },
    { name: 'description', type: 'text', of: ({ description }) => description },
  ],
});

function judge(signal: ControlSignal, version: Version, now: number): VersionedControlSignal | Impossible {
  const impossible = impossibleInterval(signal.startAt, signal.endAt, now) ?? impossibleVersion(version, now);
  return impossible ?? { ...signal, publishedAt: version.publishedAt };
}

const FACT = z.object({
  provider: z.string(),
  name: z.string(),
  description: z.string(),
  date: z.iso.date(),
  startAt: z.number(),
  endAt: z.number(),
});
