import { it } from 'vitest';
import { freshDatabase } from '../../tests/support/postgres.ts';
import { readLmpSeries } from './lmp-series.ts';
it('bench', async () => {
  const db = await freshDatabase();
  await db.pool.query(`INSERT INTO lmp (node_id, run, interval_start, interval_end, operating_day, lmp, energy, congestion, loss, published_at, published_seq, recorded_at, ledger_id)
   SELECT n.id, 'REAL_TIME_5_MIN', t, t + interval '5 min', (t at time zone 'America/New_York')::date, random()*50, 30.12, random(), random(), t, 0, t, 1 FROM pricing_node n, generate_series('2023-01-01'::timestamptz, '2024-01-01', interval '5 min') t`);
  await db.pool.query('VACUUM ANALYZE lmp');
  const q = (res: any, from: string, to: string, nodes = ['PJM:PJM-WEST']) => ({ nodes, run: 'REAL_TIME_5_MIN' as const, range: { from: Date.parse(from), to: Date.parse(to) }, resolution: res, asOf: undefined });
  const time = async (label: string, n: number, f: () => Promise<unknown>) => { for (let i=0;i<Math.min(n,20);i++) await f(); const t = performance.now(); for (let i=0;i<n;i++) await f(); console.log(label, ((performance.now()-t)/n).toFixed(3), 'ms'); };
  const c = await db.pool.connect();
  await time('raw 100 points', 500, () => readLmpSeries(c, 'computed', q('RAW','2023-06-01T00:00Z','2023-06-01T08:20Z'), Date.now()));
  await time('plain json_agg 100 points', 500, () => c.query({name:'p', text:`SELECT json_agg(json_build_object('start', interval_start, 'lmp', lmp, 'energy', energy, 'congestion', congestion, 'loss', loss) ORDER BY interval_start) FROM lmp WHERE node_id=1 AND run='REAL_TIME_5_MIN' AND interval_start >= $1 AND interval_start < $2`, values:[new Date('2023-06-01T00:00Z'), new Date('2023-06-01T08:20Z')]}));
  for (const r of ['kept','computed'] as const) {
    await time('24 hours '+r, 20, () => readLmpSeries(c, r, q('HOUR','2023-06-01T00:00Z','2023-06-02T00:00Z'), Date.now()));
    await time('365 days '+r, 5, () => readLmpSeries(c, r, q('DAY','2023-01-01T05:00Z','2024-01-01T00:00Z'), Date.now()));
  }
  await time('raw 400k points', 2, () => readLmpSeries(c, 'computed', q('RAW','2023-01-01T00:00Z','2024-01-01T00:00Z', ['PJM:PJM-WEST','ERCOT:ERCOT-HOUSTON','NYISO:NYISO-ZONEJ','CAISO:CAISO-NP15']), Date.now()));
  await time('hour 1y x4', 2, () => readLmpSeries(c, 'computed', q('HOUR','2023-01-01T00:00Z','2024-01-01T00:00Z', ['PJM:PJM-WEST','ERCOT:ERCOT-HOUSTON','NYISO:NYISO-ZONEJ','CAISO:CAISO-NP15']), Date.now()));
  c.release();
  await db.drop();
}, 120000);
