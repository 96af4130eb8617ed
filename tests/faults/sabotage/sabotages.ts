import { fileURLToPath } from 'node:url';

/** Protections that can be taken out of the ingestors: the module that has one, and the one that stands in without it. */
export const SABOTAGES = {
  /** The partition is locked, and whose it is does not matter. */
  'fence-off': { module: '../../../ingestors/pipeline/store/positions.ts', replacement: './fence-off.ts' },
  /** As `fence-off`, and where a partition stands is not asked either: each claim begins at the first record. */
  'position-forgotten': {
    module: '../../../ingestors/pipeline/store/positions.ts',
    replacement: './position-forgotten.ts',
  },
  /** Each statement of a unit's transaction is committed by itself. */
  'no-transaction': { module: '../../../prisma/transaction.ts', replacement: './no-transaction.ts' },
  /** A unit counts as committed when COMMIT is sent: what follows, announcing first of all, does not wait for it. */
  'announce-before-commit': { module: '../../../prisma/transaction.ts', replacement: './announce-before-commit.ts' },
} as const;

export type SabotageName = keyof typeof SABOTAGES;

/** The ingestors without one of their protections: the program and its arguments. */
export function sabotagedProgram(name: SabotageName): [string, ...string[]] {
  return [fileURLToPath(new URL('./ingestors.ts', import.meta.url)), name];
}
