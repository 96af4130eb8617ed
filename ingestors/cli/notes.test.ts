import { expect, it } from 'vitest';
import { createNotes } from './notes.ts';

const notesOf = (isTTY = false) => {
  const written: string[] = [];
  return { written, log: createNotes({ isTTY, write: (text) => written.push(text) }) };
};

it('a warning is a line, with the reason it gives', () => {
  const { written, log } = notesOf();
  log.warn({ reason: 'the session is lost' }, 'workers begin anew');
  log.error({ err: new Error('no route\u0007') }, 'rollup refresh failed');
  expect(written).toEqual([
    'feeds: workers begin anew: the session is lost\n',
    'feeds: rollup refresh failed: no route\u2407\n',
  ]);
});

it('what befalls a job is left to its summary, and what is no warning is left out', () => {
  const { written, log } = notesOf();
  log.warn({ job: 12, error: 'refused' }, 'chunk failed');
  log.info('part started');
  expect(written).toEqual([]);
});

it('a note takes the line of the progress on a terminal', () => {
  const { written, log } = notesOf(true);
  log.warn('workers begin anew');
  expect(written).toEqual(['\r\u001b[Kfeeds: workers begin anew\n']);
});
