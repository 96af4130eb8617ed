import type { CallOutcome } from '../../../domain/source-call.ts';
import type { Answer, ToldOutcome } from '../../../ingestors/stand-ins/stand-in.ts';

/** What a call has to be logged as, by what the stand-in did. Judges bodies on its own account: it shares no code with the feeds. */
export interface ClassJudge {
  /** @param told in the order of the requests. */
  classOf(told: ToldOutcome): CallOutcome;
}

const BY_TROUBLE: Readonly<Record<string, CallOutcome>> = {
  THROTTLED: 'THROTTLED',
  SERVER_ERROR: 'SERVER_ERROR',
  AUTH: 'AUTH',
  NO_DATA: 'NO_DATA',
  PAGE: 'MALFORMED',
  STALL: 'TIMEOUT',
  CUT: 'NETWORK',
};

/** @param source as calls name it. */
export function createClassJudge(source: string): ClassJudge {
  /** Of what was answered with status 304 afterwards. */
  const newest = new Map<string, CallOutcome>();
  return {
    classOf: ({ fault, target, isOverLimit, outcome }) => {
      if (isOverLimit) return 'THROTTLED';
      // A page is how OASIS throttles.
      if (source === 'CAISO' && fault === 'PAGE') return 'THROTTLED';
      const byTrouble = BY_TROUBLE[fault ?? ''];
      // A plant that CKW does not know is no plant without a reading.
      if (fault === 'NO_DATA' && target.endsWith('/lutersarni/live')) return 'REFUSED';
      if (byTrouble) return byTrouble;
      if (typeof outcome === 'string') throw new TypeError(`${source}: ${outcome} without a trouble`);
      if (outcome.status === 304) return newest.get(target) ?? 'OK';
      const judged = classOfAnswer(source, fault, outcome);
      if (judged !== 'MALFORMED') newest.set(target, judged);
      return judged;
    },
  };
}

function classOfAnswer(source: string, fault: string | undefined, answer: Answer): CallOutcome {
  if (fault === 'TRUNCATED') return classOfHalf(source, answer);
  if (isEmpty(source, answer)) return 'NO_DATA';
  return fault === 'OTHER_COLUMNS' ? 'MALFORMED' : 'OK';
}

/** A file of lines is whole as far as it goes where it ends with one; JSON and zips are not. */
function classOfHalf(source: string, answer: Answer): CallOutcome {
  const text = String(answer.body);
  // Of MISO's pricing API, whose "no rows" is a status 404 that says so: half of it says nothing.
  if (answer.status === 404) return text.startsWith('{') ? 'REFUSED' : 'NO_DATA';
  // What is whole of half a file is taken, and the rest is a dead letter.
  if (source === 'SPP') return text.trim().split('\n').length > 1 ? 'OK' : 'NO_DATA';
  // A price with both of its places may be the last of its line.
  return source === 'NYISO' && /(?:\n|,-?\d*\.\d\d)$/.test(text) ? 'OK' : 'MALFORMED';
}

function isEmpty(source: string, { status, body, name }: Answer): boolean {
  if (status === 404) return true;
  // Members of a zip cannot be seen from here: OASIS' errors have a name.
  if (source === 'CAISO') return name === 'error 1000';
  const text = String(body);
  if (!/^\s*[[{]/.test(text)) return text.trim().split(/\r?\n/).length <= 1;
  const rows = rowsIn(JSON.parse(text));
  return rows === '' || (Array.isArray(rows) && rows.length === 0);
}

/** `items` of PJM, `data` of ERCOT and MISO, `prices` of CKW, the only list of ISO-NE; a plant of CKW is a row itself. */
function rowsIn(document: object): unknown {
  if (Array.isArray(document)) return document;
  const named = new Map<string, unknown>(Object.entries(document));
  for (const name of ['items', 'data', 'prices', 'HourlyLmps', 'FiveMinLmps'])
    if (named.has(name)) return named.get(name);
  return [document];
}
