/**
 * The fault: a backfill of weeks of CAISO runs against a source that throttles, fails, stalls and answers nonsense, and its
 * ingestors are killed with SIGKILL twice in the middle. Meanwhile an overlapping backfill, a replay and the polls work on the
 * same feed.
 *
 * The oracle is the source: its prices are computed again and compared with the table. Its log of requests tells the pace, and
 * whether anything that was done was asked for again.
 */
import { createClient, type Client as SocketClient } from 'graphql-ws';
import type pg from 'pg';
import { WebSocket } from 'ws';
import { DAY_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';
import { type Oasis, startOasis } from '../../ingestors/stand-ins/oasis.ts';
import { STAND_IN_REPORTS, simulatedPrices } from '../../ingestors/stand-ins/oasis-report.ts';
import { type Running, startProgram } from '../support/processes.ts';

export interface BackfillFault {
  readonly pool: pg.Pool;
  readonly databaseUrl: string;
  readonly redisUrl: string;
  readonly days: number;
  readonly nodes: number;
  readonly spacingMs: number;
  /** At these shares of the chunks the ingestors are killed. */
  readonly killAt: readonly number[];
  readonly onProgress?: (line: string) => void;
}

export interface BackfillFaultResult {
  readonly state: string;
  readonly chunks: number;
  readonly kills: number;
  readonly seconds: number;
  /** What the subscription said, one after the other. */
  readonly progressFrames: number;
  readonly progressWentBack: number;
  readonly requests: number;
  readonly faultsInjected: number;
  /** Answers 429 that no fault asked for: requests that came too fast. */
  readonly throttled: number;
  /** The shortest time that five requests in a row took, as a share of four spacings. */
  readonly tightestPace: number;
  /** Chunks that were completed when a process was killed, and asked for again all the same. */
  readonly refetched: number;
  /** The negative control: the same figure once the ledger was made to forget that one of them was done. */
  readonly refetchedWhenForgotten: number;
  readonly expected: number;
  readonly missing: number;
  readonly wrong: number;
  readonly revised: number;
  /** Of the overlapping backfill and the replay. */
  readonly beside: readonly { readonly kind: string; readonly state: string; readonly revised: number }[];
}

const SEED = 5;

export async function runBackfillFault(fault: BackfillFault): Promise<BackfillFaultResult> {
  const nodes = Array.from({ length: fault.nodes }, (_, at) => `NODE_${at + 1}`);
  const to = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
  const range = { from: to - fault.days * DAY_MS, to };
  const oasis = await startOasis({
    now: Date.now,
    nodes,
    seed: SEED,
    limits: { spacingMs: fault.spacingMs / 2, throttle: 'status' },
  });
  oasis.failing({ share: 0.2, troubles: ['THROTTLED', 'SERVER_ERROR', { oasisCode: 1015 }, 'PAGE', 'CUT'] });
  const stage = new Stage(fault, oasis, nodes);
  try {
    return await stage.run(range);
  } finally {
    await stage.clear();
    await oasis.close();
  }
}

interface Range {
  readonly from: number;
  readonly to: number;
}

interface JobFrame {
  readonly jobProgress: { readonly state: string; readonly done: number; readonly total: number | null };
}

class Stage {
  readonly #fault: BackfillFault;
  readonly #oasis: Oasis;
  readonly #nodes: readonly string[];
  readonly #environment: Readonly<Record<string, string>>;
  readonly #gateway: Running;
  #ingestors: Running;
  #sockets: SocketClient | undefined;
  readonly #doneAtKill = new Map<number, number>();

  constructor(fault: BackfillFault, oasis: Oasis, nodes: readonly string[]) {
    this.#fault = fault;
    this.#oasis = oasis;
    this.#nodes = nodes;
    this.#environment = {
      DATABASE_URL: fault.databaseUrl,
      REDIS_URL: fault.redisUrl,
      PORT: '0',
      INGESTORS_PORT: '0',
      CAISO_NODES: nodes.join(','),
      CAISO_OASIS_URL: oasis.url,
      CAISO_REQUEST_SPACING_MS: String(fault.spacingMs),
      CAISO_LOOKBACK_HOURS: '1',
      CAISO_CORRECTIONS_DAYS: '0',
    };
    this.#gateway = startProgram('gateway/main.ts', this.#environment);
    this.#ingestors = startProgram('ingestors/main.ts', this.#environment);
  }

  async run(range: Range): Promise<BackfillFaultResult> {
    const [, url = ''] = await this.#gateway.sees(/"url":"(http:[^"]+\/graphql)"/);
    await this.#ingestors.sees(/partition claimed/);
    const startedAt = performance.now();
    const asked = { feed: 'caiso-lmp', from: isoFromInstant(range.from), to: isoFromInstant(range.to) };
    const job = await requestJob(url, 'backfill', asked);
    const progress = await this.#follow(url, job);
    const seconds = (performance.now() - startedAt) / 1000;
    await this.#whenBesideEnded();
    const result = {
      ...progress,
      seconds,
      kills: this.#fault.killAt.length,
      ...this.#requestFigures(),
      refetched: await this.#refetched(),
      ...(await this.#checkTable(range)),
      beside: await this.#beside(job),
    };
    await this.#forgetOne();
    return { ...result, refetchedWhenForgotten: await this.#refetched() };
  }

  /** Watches the job over a socket, kills at the shares wanted, and asks for the overlapping jobs after the first kill. */
  async #follow(url: string, job: string) {
    this.#sockets = createClient({ url: url.replace('http', 'ws'), webSocketImpl: WebSocket });
    const frames = this.#sockets.iterate<JobFrame>({
      query: 'subscription ($id: ID!) { jobProgress(id: $id) { state done total } }',
      variables: { id: job },
    });
    const kills = [...this.#fault.killAt];
    const seen = { state: '', chunks: 0, progressFrames: 0, progressWentBack: 0 };
    let done = 0;
    for await (const { data, errors } of frames) {
      if (!data) throw new Error(`the subscription failed: ${JSON.stringify(errors)}`);
      const { state, done: now, total } = data.jobProgress;
      seen.progressFrames += 1;
      if (now < done) seen.progressWentBack += 1;
      done = now;
      seen.state = state;
      seen.chunks = total ?? 0;
      this.#fault.onProgress?.(`${state} ${now}/${total}`);
      if (total && now / total >= (kills[0] ?? 2)) {
        kills.shift();
        await this.#killAndRestart();
        if (kills.length === this.#fault.killAt.length - 1) await this.#overlap(url);
      }
    }
    return seen;
  }

  async #killAndRestart(): Promise<void> {
    await this.#ingestors.kill();
    const { rows } = await this.#fault.pool.query<{ id: number; request: string }>(
      `SELECT id, request FROM ledger_entry WHERE kind = 'BACKFILL' AND state = 'COMPLETED'`,
    );
    for (const { id, request } of rows) this.#doneAtKill.set(id, this.#timesAsked(request));
    this.#fault.onProgress?.(`killed with ${rows.length} chunks done`);
    this.#ingestors = startProgram('ingestors/main.ts', this.#environment);
  }

  async #overlap(url: string): Promise<void> {
    const to = Math.floor(Date.now() / DAY_MS) * DAY_MS - DAY_MS;
    const asked = { feed: 'iso.da.lmp.caiso', from: isoFromInstant(to - 3 * DAY_MS), to: isoFromInstant(to) };
    await requestJob(url, 'backfill', asked);
    await requestJob(url, 'replay', { ...asked, feed: 'caiso-lmp', from: isoFromInstant(to - 60 * DAY_MS) });
  }

  /** How often the source was asked for it. */
  #timesAsked(request: string): number {
    const wanted = new URL(request, 'http://127.0.0.1').searchParams;
    return this.#oasis.requests.filter(({ parameters }) =>
      [...wanted].every(([name, value]) => parameters[name] === value),
    ).length;
  }

  async #forgetOne(): Promise<void> {
    const { pool } = this.#fault;
    const [forgotten] = this.#doneAtKill.keys();
    // As it was planned: the path alone, which the commit replaced by the whole address.
    await pool.query(
      `UPDATE ledger_entry SET state = 'PENDING', request = substring(request FROM 'SingleZip.*') WHERE id = $1`,
      [forgotten],
    );
    await pool.query(`SELECT graphile_worker.add_job('run-chunk', json_build_object('entry', $1::bigint))`, [
      forgotten,
    ]);
    for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(200)) {
      const { rowCount } = await pool.query(`SELECT FROM ledger_entry WHERE id = $1 AND state = 'COMPLETED'`, [
        forgotten,
      ]);
      if (rowCount === 1) return;
    }
    throw new Error('the forgotten chunk was not done again');
  }

  async #refetched(): Promise<number> {
    const { rows } = await this.#fault.pool.query<{ id: number; request: string }>(
      'SELECT id, request FROM ledger_entry WHERE id = ANY($1)',
      [[...this.#doneAtKill.keys()]],
    );
    return rows.filter(({ id, request }) => this.#timesAsked(request) > (this.#doneAtKill.get(id) ?? 0)).length;
  }

  #requestFigures() {
    const { requests } = this.#oasis;
    const spans = requests.slice(4).map(({ at }, place) => at - (requests[place]?.at ?? 0));
    return {
      requests: requests.length,
      faultsInjected: requests.filter(({ injected }) => injected).length,
      throttled: requests.filter(({ answer, injected }) => !injected && answer.startsWith('429')).length,
      tightestPace: Math.min(...spans) / (4 * this.#fault.spacingMs),
    };
  }

  async #whenBesideEnded(): Promise<void> {
    for (const deadline = Date.now() + 120_000; Date.now() < deadline; await pause(200)) {
      const { rows } = await this.#fault.pool.query(`SELECT FROM job WHERE state IN ('PENDING', 'RUNNING')`);
      if (rows.length === 0) return;
    }
    throw new Error('the overlapping jobs did not end');
  }

  async #beside(job: string) {
    const { rows } = await this.#fault.pool.query<{ kind: string; state: string; revised: number }>(
      `SELECT j.kind, j.state, coalesce(sum(e.rows_revised), 0)::int AS revised
       FROM job j LEFT JOIN ledger_entry e ON e.job_id = j.id WHERE j.id <> $1 GROUP BY j.id ORDER BY j.id`,
      [job],
    );
    return rows;
  }

  async #checkTable({ from, to }: Range) {
    const { rows } = await this.#fault.pool.query<{ node: string; run: string; at: number; lmp: number; mcc: number }>(
      `SELECT n.name AS node, run, (extract(epoch FROM interval_start) * 1000)::float8 AS at, lmp, congestion AS mcc
       FROM lmp JOIN pricing_node n ON n.id = node_id WHERE interval_start >= $1 AND interval_start < $2`,
      [isoFromInstant(from), isoFromInstant(to)],
    );
    const stored = new Map(rows.map((row) => [`${row.node} ${row.run} ${row.at}`, row]));
    let expected = 0;
    let missing = 0;
    let wrong = 0;
    for (const { run, marketRunId, intervalMinutes } of RUNS) {
      for (const node of this.#nodes) {
        for (let at = from; at < to; at += intervalMinutes * MINUTE_MS) {
          const { LMP, MCC } = simulatedPrices(SEED, marketRunId, node, at);
          const row = stored.get(`${node} ${run} ${at}`);
          expected += 1;
          if (!row) missing += 1;
          else if (row.lmp !== LMP || row.mcc !== MCC) wrong += 1;
        }
      }
    }
    const revised = await this.#fault.pool.query<{ n: number }>('SELECT count(*)::int AS n FROM lmp_revision');
    return { expected, missing, wrong, revised: revised.rows[0]?.n ?? 0 };
  }

  async clear(): Promise<void> {
    await this.#sockets?.dispose();
    await Promise.all([this.#gateway.stop(), this.#ingestors.stop()]);
  }
}

/** Which run a report's rows become, as FORMATS has it. */
const RUNS = STAND_IN_REPORTS.map(({ name, marketRunId, intervalMinutes }) => {
  const run = {
    PRC_LMP: 'DAY_AHEAD_HOURLY',
    PRC_INTVL_LMP: 'REAL_TIME_5_MIN',
    PRC_RTPD_LMP: 'REAL_TIME_15_MIN',
    PRC_HASP_LMP: 'HOUR_AHEAD_15_MIN',
  }[name];
  return { run, marketRunId, intervalMinutes };
});

async function requestJob(url: string, mutation: 'backfill' | 'replay', input: object): Promise<string> {
  const type = mutation === 'backfill' ? 'BackfillInput' : 'ReplayInput';
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      query: `mutation ($input: ${type}!) { ${mutation}(input: $input) { job { id } } }`,
      variables: { input },
    }),
  });
  const { data, errors } = (await response.json()) as {
    data?: Record<string, { job: { id: string } }>;
    errors?: unknown;
  };
  const id = data?.[mutation]?.job.id;
  if (id === undefined) throw new Error(`${mutation} was refused: ${JSON.stringify(errors)}`);
  return id;
}

function pause(ms: number): Promise<void> {
  return new Promise((resume) => setTimeout(resume, ms));
}
