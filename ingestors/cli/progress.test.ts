import { describe, expect, it } from 'vitest';
import type { JobRow } from '../../prisma/operations/jobs.ts';
import { succeeded } from './job-outcome.ts';
import { jobJson, progressText, summaryText } from './job-text.ts';
import { createProgress } from './progress.ts';

const NOW = Date.parse('2025-07-10T12:00:00Z');

function job(more: Partial<JobRow> = {}): JobRow {
  return {
    id: 12,
    kind: 'BACKFILL',
    state: 'RUNNING',
    feed: 'caiso-lmp',
    input: { windows: [{ from: NOW - 3_600_000, to: NOW, partitions: ['PRC_LMP'] }] },
    requestedBy: 'ada@desk',
    requestedAt: NOW - 60_000,
    plannedAt: NOW - 59_000,
    finishedAt: null,
    cancelRequestedAt: null,
    error: null,
    total: 48,
    done: 12,
    failed: 0,
    rowsIn: 1_234_567,
    rowsWritten: 1_200_000,
    rowsRevised: 67,
    rowsUnchanged: 34_498,
    rowsRejected: 2,
    rowsPerSecond: 20_576.1,
    estimatedEndAt: NOW + 180_000,
    ...more,
  };
}

describe('how far a job has come', () => {
  it('is told by chunks, share, rows, pace and what is left', () => {
    expect(progressText(job(), NOW)).toBe('12/48 chunks  25 %  1,234,567 rows  20,576 rows/s  3 min left');
  });

  it('is not known before it is planned', () => {
    const planned = { total: null, done: 0, rowsPerSecond: null, estimatedEndAt: null };
    expect(progressText(job({ state: 'PENDING', ...planned }), NOW)).toBe('waiting to be planned');
  });

  it('leaves out the pace and the end that are not known yet', () => {
    const text = progressText(job({ done: 0, rowsIn: 0, rowsPerSecond: null, estimatedEndAt: null }), NOW);
    expect(text).toBe('0/48 chunks  0 %  0 rows');
  });

  it('is never done before the last chunk is', () => {
    expect(progressText(job({ total: 1_000, done: 999 }), NOW)).toContain('99 %');
    expect(progressText(job({ total: 0, done: 0 }), NOW)).toContain('100 %');
  });

  it('says what failed, and that it is being cancelled', () => {
    const text = progressText(job({ failed: 2, cancelRequestedAt: NOW }), NOW);
    expect(text).toMatch(/2 failed {2}being cancelled$/);
  });

  it('says what is to be tried again, and why', () => {
    const text = progressText(job(), NOW, { chunks: 3, error: 'OASIS throttles\u001b[2J' });
    expect(text).toMatch(/3 min left {2}3 to be tried again: OASIS throttles\u241b\[2J$/);
  });

  it('has no end in the past', () => {
    expect(progressText(job({ estimatedEndAt: NOW - 5_000 }), NOW)).toMatch(/0 s left$/);
  });
});

describe('what came of a job', () => {
  it('is its counts', () => {
    const ended = job({ state: 'COMPLETED', done: 48, finishedAt: NOW, rowsRejected: 0 });
    expect(summaryText(ended)).toBe(
      'Backfill 12 of caiso-lmp: completed after 1 min, 48 of 48 chunks done.\n' +
        '  1,234,567 rows: 1,200,000 new, 67 revised, 34,498 unchanged, 0 rejected.',
    );
  });

  it('is why it failed, and where to look', () => {
    const ended = job({
      state: 'FAILED',
      done: 48,
      failed: 1,
      finishedAt: NOW,
      error: '1 of 48 chunks failed: refused',
    });
    const [first, ...lines] = summaryText(ended).split('\n');
    expect(first).toBe('Backfill 12 of caiso-lmp: failed after 1 min, 47 of 48 chunks done.');
    expect(lines.slice(1)).toEqual([
      '  The rejected ones: feeds dead-letters --feed caiso-lmp',
      '  1 of 48 chunks failed: refused',
      '  Its chunks: feeds jobs show 12',
    ]);
  });

  it('can be nothing', () => {
    const ended = job({ state: 'COMPLETED', total: 0, done: 0, rowsIn: 0, rowsRejected: 0, finishedAt: NOW });
    expect(summaryText(ended)).toBe('Backfill 12 of caiso-lmp: completed after 1 min, there was nothing to do.');
  });

  it('is also what the source had nothing for', () => {
    const ended = job({ state: 'COMPLETED', done: 48, finishedAt: NOW });
    expect(summaryText(ended, { noDataChunks: 3 }).split('\n')).toContain('  The source had no data for 3 chunks.');
    expect(summaryText(ended, { noDataChunks: 0 })).not.toContain('no data');
    expect(jobJson(ended, { noDataChunks: 3 })).toMatchObject({ noDataChunks: 3 });
  });

  it('is in vain where all dead letters of a retry failed again', () => {
    const retry = job({ kind: 'RETRY', input: {}, state: 'COMPLETED', total: 1, done: 1, rowsIn: 2, rowsRejected: 2 });
    const outcome = { lettersTried: 2, lettersOpen: 2 };
    expect(succeeded(retry, outcome)).toBe(false);
    expect(summaryText(retry, outcome).split('\n')).toContain('  2 of 2 dead letters failed again and are open still.');
    expect(succeeded(retry, { lettersTried: 2, lettersOpen: 1 })).toBe(true);
    // What a payload of several rows brought is there, although another of its rows was rejected.
    expect(succeeded({ ...retry, rowsRejected: 1 }, outcome)).toBe(true);
    expect(succeeded({ ...retry, rowsIn: 0, rowsRejected: 0 }, { lettersTried: 0, lettersOpen: 0 })).toBe(true);
    expect(succeeded({ ...retry, state: 'CANCELLED' }, {})).toBe(false);
  });

  it('has its instants as text in JSON', () => {
    expect(jobJson(job())).toMatchObject({
      input: { windows: [{ from: '2025-07-10T11:00:00.000Z', to: '2025-07-10T12:00:00.000Z' }] },
      requestedAt: '2025-07-10T11:59:00.000Z',
      finishedAt: null,
      estimatedEndAt: '2025-07-10T12:03:00.000Z',
    });
  });
});

describe('the progress of a job', () => {
  const screen = (more: { isTTY?: boolean; columns?: number } = {}) => {
    const written: string[] = [];
    return { ...more, written, write: (text: string) => written.push(text) };
  };

  it('is on a terminal one line, written over, with a bar', () => {
    const terminal = screen({ isTTY: true, columns: 200 });
    const progress = createProgress(terminal, () => NOW);
    progress.show(job());
    progress.show(job({ done: 48, estimatedEndAt: null }));
    progress.end();
    expect(terminal.written).toEqual([
      '\r[######..................]  12/48 chunks  25 %  1,234,567 rows  20,576 rows/s  3 min left\u001b[K',
      '\r[########################]  48/48 chunks  100 %  1,234,567 rows  20,576 rows/s\u001b[K',
      '\r\u001b[K',
    ]);
  });

  const lineOf = (columns: number | undefined, more: Partial<JobRow> = {}, error?: string) => {
    const terminal = screen({ isTTY: true, ...(columns !== undefined && { columns }) });
    createProgress(terminal, () => NOW).show(job(more), error === undefined ? undefined : { chunks: 3, error });
    return terminal.written.map((text) => text.slice('\r'.length, -'\u001b[K'.length));
  };

  it('has on 80 columns a shorter bar and every number', () => {
    expect(lineOf(80)).toEqual(['[####..........]  12/48 chunks  25 %  1,234,567 rows  20,576 rows/s  3 min left']);
  });

  it('takes a terminal that does not know its width for one of 80 columns', () => {
    expect(lineOf(0)).toEqual(lineOf(80));
    expect(lineOf(undefined)).toEqual(lineOf(80));
  });

  it('keeps on 40 columns what is done, what failed and what is left', () => {
    expect(lineOf(40)).toEqual(['12/48 chunks  25 %  3 min left']);
    expect(lineOf(40, { failed: 2 })).toEqual(['12/48 chunks  2 failed  3 min left']);
    expect(lineOf(30, { failed: 2 })).toEqual(['12/48 chunks  2 failed']);
  });

  it('cuts off only the words at its end, where they do not all fit', () => {
    expect(lineOf(80, {}, 'OASIS throttles')).toEqual([
      '12/48 chunks  25 %  1,234,567 rows  20,576 rows/s  3 min left  3 to be tried a…',
    ]);
  });

  it('never wraps, whatever is told and however narrow the terminal is', () => {
    const large = { total: 99_999, done: 99_998, failed: 12_345, rowsIn: 1e12, rowsPerSecond: 1e6 };
    for (const error of [
      undefined,
      'two\nlines\tof text',
      '認証に失敗しました。もう一度お試しください',
      'x'.repeat(500),
    ]) {
      for (let columns = 2; columns < 220; columns += 1) {
        for (const more of [{}, large, { total: null }]) {
          const [line = ''] = lineOf(columns, more, error);
          expect(columnsOf(line)).toBeLessThan(columns);
          expect(line).not.toMatch(/[\n\t]/);
        }
      }
    }
  });

  it('is elsewhere a line, at most one in five seconds', () => {
    const file = screen();
    let now = NOW;
    const progress = createProgress(file, () => now);
    for (const second of [0, 1, 4.999, 5, 9, 10]) {
      now = NOW + 1_000 * second;
      progress.show(job({ done: second, estimatedEndAt: null }));
    }
    expect(file.written.map((line) => line.slice(0, 39))).toEqual([
      'backfill 12 of caiso-lmp: 0/48 chunks  ',
      'backfill 12 of caiso-lmp: 5/48 chunks  ',
      'backfill 12 of caiso-lmp: 10/48 chunks ',
    ]);
  });
});

/** A terminal gives two columns to each of the characters of East Asia. */
function columnsOf(text: string): number {
  return [...text].reduce((sum, character) => sum + (/[\u3000-\u9fff]/.test(character) ? 2 : 1), 0);
}
