import type pg from 'pg';
import type { ApiKeyRequest } from '../domain/api-key.ts';
import { HOUR_MS, isoFromInstant } from '../domain/instant.ts';
import { setCostMethod } from '../prisma/operations/accounts.ts';
import { createApiKey, revokeApiKey, rotateApiKey } from '../prisma/operations/api-keys.ts';
import { auditedChange, noteFailure } from '../prisma/operations/audit.ts';
import { discardDeadLetters } from '../prisma/operations/dead-letters.ts';
import { requestBackfill, requestCancel, requestReplay, requestRetry } from '../prisma/operations/jobs.ts';
import { requestRepair } from '../prisma/operations/repair.ts';
import type { Queryable } from '../prisma/queryable.ts';
import type { Operations, Range } from '../schema/context.ts';
import { actorOf } from './audit/notes.ts';
import type { Caller } from './caller.ts';
import { fromStore } from './store-reach.ts';

interface OperationsOptions {
  readonly pool: pg.Pool;
  /** Milliseconds since the epoch, UTC. */
  readonly clock: () => number;
}

/** The store's operations in the name of a caller, each in the audit log. */
export function createOperations({ pool, clock }: OperationsOptions): (caller: Caller) => Operations {
  return (caller) => {
    const { identity } = caller;
    const actor = actorOf(caller, 'graphql');
    const by = actor.name;
    const change = <T extends object>(
      action: string,
      input: object,
      work: (client: Queryable) => Promise<T>,
    ): Promise<T> => fromStore(() => auditedChange(pool, { actor, action, input }, work));
    const requested = async (
      action: string,
      input: object,
      request: (client: Queryable) => Promise<number>,
    ): Promise<number> => (await change(action, input, async (client) => ({ jobId: await request(client) }))).jobId;
    const keeper = () => ({ by, rights: identity.rights, now: clock() });
    return {
      by: identity,
      noteFailure: (action, input, error) => noteFailure(pool, { actor, action, input }, error),
      backfill: ({ feed, ...window }) =>
        requested('backfill', { feed, ...readable(window) }, (client) =>
          requestBackfill(client, { feed, windows: [window], by }),
        ),
      replay: ({ offsets, ...asked }) =>
        requested('replay', { ...readable(asked), into: offsets }, (client) =>
          requestReplay(client, { ...asked, ...(offsets && { offsets }), by }),
        ),
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
      setCostMethod: async (asked) => {
        await change('setCostMethod', asked, async (client) => ({ changed: await setCostMethod(client, asked) }));
      },
      createApiKey: (asked) =>
        change('createApiKey', readableKey(asked), (client) => createApiKey(client, asked, keeper())),
      rotateApiKey: ({ prefix, overlapMs }) =>
        change('rotateApiKey', { id: prefix, overlapHours: overlapMs / HOUR_MS }, (client) =>
          rotateApiKey(client, { prefix, overlapMs }, keeper()),
        ),
      revokeApiKey: (prefix) =>
        change('revokeApiKey', { id: prefix }, (client) => revokeApiKey(client, prefix, keeper())),
      discardDeadLetters: async ({ feed, ids, reason }) => {
        const asked = { feed, ids, reason };
        const { discarded } = await change('discardDeadLetters', asked, async (client) => ({
          discarded: await discardDeadLetters(client, asked),
        }));
        return discarded;
      },
    };
  };
}

function readableKey({ name, rights, expiresAt }: ApiKeyRequest): object {
  return { name, ...rights, expiresAt: expiresAt === undefined ? null : isoFromInstant(expiresAt) };
}

/** Instants as a person reads them in the audit log. */
function readable<Asked extends Range>(asked: Asked): object {
  return { ...asked, from: isoFromInstant(asked.from), to: isoFromInstant(asked.to) };
}
