/**
 * The idempotent store path (ledger, position, upsert with history) on two connections, as the hot path runs, against plain
 * COPY into the same table: on one connection, which is the baseline of DESIGN §8, and on two.
 */
import pg from 'pg';
import { HOUR_MS, isoFromInstant } from '../domain/instant.ts';
import type { VersionedLmp } from '../domain/lmp.ts';
import type { NodeName } from '../domain/market.ts';
import { writeLedger } from '../ingestors/pipeline/store/ledger.ts';
import { claimPartition, lockPartition } from '../ingestors/pipeline/store/positions.ts';
import { type PlacedLmp, upsertLmp } from '../ingestors/pipeline/store/upsert-lmp.ts';
import { openBenchStore } from './bench-store.ts';
import { copyIntoLmp } from './copy-into-lmp.ts';
import { median } from './summary.ts';

const ROWS = 500_000;
const NODES = 1_000;
const BATCH_ROWS = 5_000;
const CONNECTIONS = 2;
const ROUNDS = 3;
const START_AT = Date.UTC(2026, 0, 1);
const RECORDED_AT = Date.UTC(2026, 1, 1);

export async function run() {
  const store = await openBenchStore();
  try {
    const batches = makeBatches();
    // COPY's text is made beforehand: the baseline is what Postgres can take, not what we can print.
    const texts = batches.map((batch) => Buffer.from(batch.map(copyLine).join('')));
    const figures = { copy: [] as number[], copyOnTwo: [] as number[], upsert: [] as number[], replay: [] as number[] };
    for (let round = 1; round <= ROUNDS; round++) {
      const one = await store.fresh(`copy_${round}`);
      figures.copy.push(await copyRate(one.url, texts, 1));
      const two = await store.fresh(`copy_on_two_${round}`);
      figures.copyOnTwo.push(await copyRate(two.url, texts, CONNECTIONS));
      const ours = await store.fresh(`upsert_${round}`);
      const commit = await committer(ours.pool);
      figures.upsert.push(await rate(() => inParallel(batches, CONNECTIONS, commit)));
      figures.replay.push(await rate(() => inParallel(batches, CONNECTIONS, commit)));
    }
    const [copy, copyOnTwo, upsert, replayOfTheSame] = Object.values(figures).map(median);
    return {
      baseline: `plain COPY into lmp, one connection, batches of ${BATCH_ROWS}`,
      rowsPerSecond: { copy, copyOnTwo, upsert, replayOfTheSame },
      ratio: (upsert ?? Number.NaN) / (copy ?? Number.NaN),
      ratioToCopyOnTwo: (upsert ?? Number.NaN) / (copyOnTwo ?? Number.NaN),
      atLeast: 0.6,
    };
  } finally {
    await store.close();
  }
}

/** On a pool of its own: Busbar's pipelines, which COPY cannot. */
async function copyRate(url: string, texts: readonly Buffer[], connections: number): Promise<number> {
  const pool = new pg.Pool({ connectionString: url, max: connections });
  try {
    return await rate(() => inParallel(texts, connections, (text) => copyIntoLmp(pool, text)));
  } finally {
    await pool.end();
  }
}

function makeBatches(): PlacedLmp[][] {
  const batches: PlacedLmp[][] = [];
  for (let from = 0; from < ROWS; from += BATCH_ROWS) {
    batches.push(Array.from({ length: BATCH_ROWS }, (_, at) => placed(from + at)));
  }
  return batches;
}

function placed(at: number): PlacedLmp {
  const startAt = START_AT + Math.floor(at / NODES) * HOUR_MS;
  const energy = 30 + (at % 977) / 7;
  const congestion = ((at % 313) - 150) / 10;
  const loss = (at % 31) / 20;
  const fact: VersionedLmp = {
    node: `PJM:NODE-${at % NODES}` as NodeName,
    run: 'DAY_AHEAD_HOURLY',
    startAt,
    endAt: startAt + HOUR_MS,
    lmp: energy + congestion + loss,
    energy,
    congestion,
    loss,
    ghg: null,
    publishedAt: RECORDED_AT,
    publishedSeq: at,
    flags: [],
  };
  return { fact, nodeId: (at % NODES) + 1 };
}

async function committer(pool: pg.Pool): Promise<(batch: PlacedLmp[], connection: number) => Promise<void>> {
  const claims = await Promise.all(
    Array.from({ length: CONNECTIONS }, (_, partition) => claimPartition(pool, 'bench', String(partition), 'bench')),
  );
  return async (batch, connection) => {
    const claim = claims[connection];
    if (!claim) throw new TypeError('a connection without a claim');
    const client = await pool.connect();
    try {
      await client.query('BEGIN');
      const id = await lockPartition(client, claim);
      const { written, revised, unchanged } = await upsertLmp(client, batch, id, RECORDED_AT);
      const next = (claim.position ?? 0) + batch.length;
      await writeLedger(client, claim, {
        commitId: id,
        planned: undefined,
        originIds: [],
        publishedAt: null,
        kind: 'BATCH',
        state: 'COMPLETED',
        next,
        request: null,
        checksum: Buffer.alloc(32),
        bytes: 0,
        rowsIn: batch.length,
        rowsWritten: written.length - revised,
        rowsUnchanged: unchanged,
        rowsRevised: revised,
        rowsRejected: 0,
        eventFrom: START_AT,
        eventTo: START_AT,
        startedAt: RECORDED_AT,
        error: null,
        lag: 0,
        announced: 0,
      });
      await client.query('COMMIT');
      claim.position = next;
    } finally {
      client.release();
    }
  };
}

function copyLine({ nodeId, fact }: PlacedLmp): string {
  const start = isoFromInstant(fact.startAt);
  const recorded = isoFromInstant(RECORDED_AT);
  return `${nodeId}\t${fact.run}\t${start}\t${isoFromInstant(fact.endAt)}\t${start.slice(0, 10)}\t${fact.lmp}\t${fact.energy}\t${fact.congestion}\t${fact.loss}\t\\N\t0\t1\t${recorded}\t${fact.publishedSeq}\t${recorded}\t1\n`;
}

/** Connection c takes every so-many-th batch, in order, as a partition would. */
async function inParallel<Batch>(
  batches: readonly Batch[],
  connections: number,
  write: (batch: Batch, connection: number) => Promise<void>,
) {
  await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      for (const batch of batches.filter((_, place) => place % connections === connection))
        await write(batch, connection);
    }),
  );
}

async function rate(work: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await work();
  return Math.round(ROWS / ((performance.now() - startedAt) / 1000));
}
