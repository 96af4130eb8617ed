import { z } from 'zod';
import type { LmpFact } from '../../../domain/lmp.ts';
import { type NodeName, parseNodeName } from '../../../domain/market.ts';
import { MARKET_RUNS } from '../../../domain/market-run.ts';
import type { LmpTick } from '../../../runtime/live-bus/live-bus.ts';
import type { Rollups } from '../rollups.ts';
import { moveReadRevisions } from '../store/read-revisions.ts';
import { upsertLmp, type WrittenLmp } from '../store/upsert-lmp.ts';
import { validate } from '../validate.ts';
import type { FamilyOf } from './family.ts';
import { AT_NODES } from './places.ts';

/** Prices. */
export function createLmpFamily(rollups: Rollups): FamilyOf<'lmp'> {
  return {
    places: AT_NODES,
    judge: validate,
    rangeOf: ({ startAt, endAt }) => ({ from: startAt, to: endAt }),
    textOf,
    factFrom: (text) => FACT.parse(JSON.parse(text)),
    write: async (client, placed, { claim, ledgerId, now, kind }) => {
      const facts = placed.map(({ fact }) => fact);
      const [{ written, revised, unchanged }] = await Promise.all([
        upsertLmp(client, placed, ledgerId, now, kind !== 'REPLAY'),
        moveReadRevisions(client, claim, facts),
      ]);
      const news = { lmp: ticksOf(written, ledgerId) };
      return { written: written.length - revised, revised, unchanged, refused: [], news };
    },
    committed: ({ from, to }) => rollups.touched(from, to),
  };
}

function textOf({ node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, preliminary }: LmpFact): string {
  return JSON.stringify({ node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, preliminary });
}

const FACT = z.object({
  node: z.string().transform((text, context): NodeName => {
    const node = parseNodeName(text);
    if (node) return node;
    context.addIssue({ code: 'custom', message: 'must be MARKET:NAME' });
    return z.NEVER;
  }),
  run: z.enum(MARKET_RUNS),
  startAt: z.number(),
  endAt: z.number(),
  lmp: z.number(),
  energy: z.number().nullable(),
  congestion: z.number().nullable(),
  loss: z.number().nullable(),
  ghg: z.number().nullable(),
  preliminary: z.boolean().default(false),
});

function ticksOf(written: readonly WrittenLmp[], ledgerId: number): LmpTick[] {
  return written.map(({ fact, revision }) => ({
    node: fact.node,
    run: fact.run,
    startAt: fact.startAt,
    endAt: fact.endAt,
    lmp: fact.lmp,
    energy: fact.energy,
    congestion: fact.congestion,
    loss: fact.loss,
    ghg: fact.ghg,
    revision,
    flags: fact.flags,
    publishedAt: fact.publishedAt,
    ledgerId,
  }));
}
