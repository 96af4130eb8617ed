/**
 * The limit: node:http without GraphQL, one statement that makes the whole answer by json_agg, spliced into it. It reads the same
 * request and takes the variables out of it.
 */
import type { IncomingMessage } from 'node:http';
import { lmpsText, lmpsValues } from '../../gateway/reads/lmps.ts';
import { benchPool, serve } from './serve.ts';

const ISO = `to_char(interval_start AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;
const PAGE = lmpsText('l.interval_start, l.lmp, l.energy, l.congestion, l.loss');

const STATEMENTS = {
  rows: {
    name: 'plain-rows',
    text: `SELECT json_agg(json_build_object('node', json_build_object('start', ${ISO}, 'lmp', lmp, 'energy', energy,
             'congestion', congestion, 'loss', loss)))::text AS json FROM (${PAGE}) AS page`,
    answer: (json: string) => `{"data":{"lmps":{"edges":${json}}}}`,
  },
  columns: {
    name: 'plain-columns',
    text: `SELECT json_build_array(json_build_object('start', json_agg(${ISO}), 'lmp', json_agg(lmp), 'energy', json_agg(energy),
             'congestion', json_agg(congestion), 'loss', json_agg(loss)))::text AS json FROM (${PAGE}) AS page`,
    answer: (json: string) => `{"data":{"lmpSeries":${json}}}`,
  },
} as const;

const pool = benchPool();

async function answer(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk);
  const { query, variables } = JSON.parse(Buffer.concat(chunks).toString('utf8'));
  const statement = STATEMENTS[query.includes('lmpSeries') ? 'columns' : 'rows'];
  const { from, to, nodes, first = 1_000 } = variables;
  const range = { from: Date.parse(from), to: Date.parse(to) };
  // A page reads one row more to know of the next, which is not asked for here.
  const { values } = lmpsValues({ nodes, run: 'REAL_TIME_5_MIN', range, page: { first: first - 1, after: undefined } });
  const { rows } = await pool.query({ name: statement.name, text: statement.text, values });
  return statement.answer(rows[0].json);
}

await serve((request, response) => {
  answer(request).then(
    (json) => {
      response.writeHead(200, {
        'content-type': 'application/json; charset=utf-8',
        'content-length': Buffer.byteLength(json),
      });
      response.end(json);
    },
    (error) => response.destroy(error),
  );
});
