import type pg from 'pg';
import { isoFromInstant } from '../domain/instant.ts';
import { type Actor, audited } from '../prisma/operations/audit.ts';
import { discardDeadLetters } from '../prisma/operations/dead-letters.ts';
import { requestBackfill, requestCancel, requestReplay, requestRetry } from '../prisma/operations/jobs.ts';
import { requestRepair } from '../prisma/operations/repair.ts';
import type { Operations, Range } from '../schema/context.ts';
import type { Caller } from './caller.ts';
import { fromStore } from './store-reach.ts';

interface OperationsOptions {
  readonly pool: pg.Pool;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
}

/** The store's operations in the name of a caller, each in the audit log. */
export function createOperations({ pool, clock }: OperationsOptions): (caller: Caller) => Operations {
  return ({ address }) => {
    const actor: Actor = { name: `anonymous from ${address}`, via: 'graphql' };
    const by = actor.name;
    const requested = async (
      action: string,
      input: object,
      request: (client: pg.ClientBase) => Promise<number>,
    ): Promise<number> => {
      const work = async (client: pg.ClientBase) => ({ jobId: await request(client) });
      return (await fromStore(() => audited(pool, { actor, action, input }, work))).jobId;
    };
    return {
      backfill: ({ feed, ...window }) =>
        requested('backfill', { feed, ...readable(window) }, (client) =>
          requestBackfill(client, { feed, windows: [window], by }),
        ),
      replay: (asked) => requested('replay', readable(asked), (client) => requestReplay(client, { ...asked, by })),
      repair: (asked) =>
        requested('repair', readable(asked), (client) => requestRepair(client, { ...asked, by }, clock())),
      retryDeadLetters: (asked) =>
        requested('retryDeadLetters', asked, (client) => requestRetry(client, { ...asked, by })),
      cancelJob: async (id) => {
        await requested('cancelJob', { id }, async (client) => {
          await requestCancel(client, id);
          return id;
        });
      },
      discardDeadLetters: async ({ feed, ids, reason }) => {
        const asked = { actor, action: 'discardDeadLetters', input: { feed, ids, reason } };
        const work = async (client: pg.ClientBase) => ({
          discarded: await discardDeadLetters(client, { feed, ids, reason }),
        });
        return (await fromStore(() => audited(pool, asked, work))).discarded;
      },
    };
  };
}

/** Instants as a person reads them in the audit log. */
function readable<Asked extends Range>(asked: Asked): object {
  return { ...asked, from: isoFromInstant(asked.from), to: isoFromInstant(asked.to) };
}
