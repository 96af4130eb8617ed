/** Days on which clocks change, and one on which they do not, in every form of every vendor, from a file to the store. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { FEEDS } from '../ingestors/feeds/index.ts';
import { createFileBench, type FileBench } from './support/file-bench.ts';
import { freshDatabase, type TestDatabase } from './support/postgres.ts';
import { type Truth, truthOf, VENDOR_REPORTS, type VendorFile } from './vendor-days.ts';

const NOW = Date.parse('2026-11-21T12:00Z');

/** Hours of the day: in the US, and at MISO, which keeps standard time. */
const DAYS = [
  ['2026-03-08', 23, 24],
  ['2026-11-01', 25, 24],
  ['2026-07-04', 24, 24],
] as const;

/** What may become of a file on its way, none of which changes what it says. */
const DRESSES: readonly (readonly [name: string, dressed: (text: string) => string])[] = [
  ['a byte-order mark', (text) => `\uFEFF${text}`],
  ['line ends of Windows, and blank lines at the end', (text) => `${text.replaceAll('\n', '\r\n')}\r\n\r\n`],
  ['JSON laid out over lines, or CSV with quotes or without', (text) => (isJson(text) ? laidOut(text) : quoted(text))],
];

let db: TestDatabase;
let bench: FileBench;
beforeAll(async () => {
  db = await freshDatabase();
  bench = createFileBench(db, NOW);
});
afterAll(() => db.drop());

describe.each(VENDOR_REPORTS)('$market $report', (report) => {
  test.each(DAYS)('of %s has every interval once, in order and with its own price', async (day, hours, standard) => {
    await db.pool.query('TRUNCATE lmp, lmp_revision, dead_letter');
    const truth = truthOf(report, day);
    const intervals = ((report.market === 'MISO' ? standard : hours) * 60) / report.minutes;
    const count = Math.min(intervals, report.intervalsMax ?? intervals) * report.nodes.length;
    expect(truth).toHaveLength(count);
    const files = report.write(day, truth);
    await ingestAll(files);
    const stored = await bench.prices();
    expect(stored.map(({ node, start, end, run }) => ({ node, start, end, run }))).toEqual(
      sorted(truth).map(({ node, start, end }) => ({ node, start, end, run: report.run })),
    );
    expect(stored.map(({ lmp, energy, congestion, loss }) => [lmp, energy, congestion, loss].map(cents))).toEqual(
      sorted(truth).map(({ lmp, energy, congestion, loss }) => [lmp, energy, congestion, loss]),
    );
    expect(new Set(stored.map(({ quality }) => quality))).toEqual(
      new Set([report.report.includes('unverified') ? PRELIMINARY : 0]),
    );
    const state = await bench.state();
    expect(state).toMatchObject({ count, letters: 0 });
    // Once is enough: of the long days every form was read again above.
    if (day === '2026-11-01') {
      await ingestAll(files, true);
      expect(await bench.state()).toEqual(state);
    }
  });

  test.each(DRESSES)('says the same with %s', async (_, dressed) => {
    await db.pool.query('TRUNCATE lmp, lmp_revision, dead_letter');
    const truth = truthOf(report, '2026-11-01');
    const files = report.write('2026-11-01', truth);
    await ingestAll(files.map(({ name, text }) => ({ name, text: dressed(text) })));
    const stored = await bench.prices();
    expect(stored.map(({ node, start, lmp }) => [node, start, cents(lmp)])).toEqual(
      sorted(truth).map(({ node, start, lmp }) => [node, start, lmp]),
    );
    expect(await bench.state()).toMatchObject({ letters: 0 });
  });

  async function ingestAll(files: readonly VendorFile[], again = false): Promise<void> {
    const feed = FEEDS.find(({ id }) => id === report.feed);
    if (!feed) throw new Error(`there is no feed ${report.feed}`);
    for (const { name, text } of files) {
      const outcome = await bench.ingestBytes(feed, name, text, again);
      expect(outcome, name).toMatchObject({ rejected: 0, noData: undefined });
    }
  }
});

const PRELIMINARY = 32;

function cents(price: number | null): number | null {
  return price === null ? null : Math.round(price * 100) + 0;
}

function sorted(truth: readonly Truth[]): Truth[] {
  return [...truth].sort((a, b) => (a.node === b.node ? a.start - b.start : a.node < b.node ? -1 : 1));
}

function isJson(text: string): boolean {
  return /^[[{]/.test(text);
}

function laidOut(text: string): string {
  return JSON.stringify(JSON.parse(text), null, 4);
}

/** NYISO's come with quotes; MISO's preamble is no table. */
function quoted(text: string): string {
  if (text.startsWith('"')) return text.replaceAll('"', '');
  return text.replace(/^(?:[^",\n]*,){3,}[^",\n]*$/gm, (line) =>
    line
      .split(',')
      .map((field) => (line.startsWith(',,,') ? field : `"${field}"`))
      .join(','),
  );
}
