import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY_MS } from './instant.ts';
import { nodeNameFrom } from './market.ts';
import { historyWith, isSeenIn, type Place, type PlaceFacts, type PlaceHistory, SINCE_EVER } from './place.ts';

const NODE = nodeNameFrom('PJM', 'A') ?? expect.unreachable();
const DAY = (day: number) => Date.UTC(2026, 0, 1) + day * DAY_MS;

type Told = Place & { readonly publishedAt?: number };

const seen = (kind: string, day: number): Told => ({ node: NODE, ...facts(kind), at: DAY(day) });
const stated = (kind: string, from: number | undefined, to: number | null, published = 0): Told => ({
  node: NODE,
  ...facts(kind),
  valid: { from: from === undefined ? undefined : DAY(from), to: to === null ? null : DAY(to) },
  publishedAt: DAY(published),
});

describe('the history of a node', () => {
  it.each<[string, Told[], string[]]>([
    ['one sighting holds from then on', [seen('A', 3)], ['A 3–']],
    ['another one later closes it', [seen('A', 3), seen('B', 5)], ['A 3–5', 'B 5–']],
    ['the same one earlier begins it earlier', [seen('A', 3), seen('A', 1)], ['A 1–']],
    ['another one earlier stands before it', [seen('B', 3), seen('A', 1)], ['A 1–3', 'B 3–']],
    ['one between two begins the second', [seen('A', 1), seen('B', 9), seen('B', 5)], ['A 1–5', 'B 5–']],
    ['one between two continues the first', [seen('A', 1), seen('B', 9), seen('A', 5)], ['A 1–9', 'B 9–']],
    ['a third between two stands there', [seen('A', 1), seen('C', 9), seen('B', 5)], ['A 1–5', 'B 5–9', 'C 9–']],
    ['a contradiction changes nothing', [seen('A', 1), seen('A', 9), seen('B', 5)], ['A 1–']],
    ['a node may go back to what it was', [seen('A', 1), seen('B', 5), seen('A', 9)], ['A 1–5', 'B 5–9', 'A 9–']],
    ['a statement is exact', [seen('A', 1), seen('A', 9), stated('S', 4, 6)], ['A 1–4', 'S 4–6 stated']],
    ['what has ended by a statement stays so', [stated('S', 4, 6), seen('A', 9)], ['S 4–6 stated']],
    ['no sighting changes a statement', [stated('S', 4, null), seen('A', 5), seen('A', 9)], ['S 4– stated']],
    ['before a statement one may stand', [stated('S', 4, null), seen('A', 1)], ['A 1–4', 'S 4– stated']],
    [
      'statements follow each other',
      [stated('T', 6, null), stated('S', 4, null), stated('U', 9, 12)],
      ['S 4–6 stated', 'T 6–9 stated', 'U 9–12 stated'],
    ],
    ['the later published counts', [stated('T', 4, null, 2), stated('S', 4, null, 1)], ['T 4– stated']],
    ['a statement is mended by another', [stated('S', 4, 6, 1), stated('T', 4, null, 2)], ['T 4– stated']],
    ['a statement again is none', [stated('S', 4, 6), stated('S', 4, 6)], ['S 4–6 stated']],
  ])('%s', (_, told, expected) => {
    expect(textsOf(historyOf(told))).toEqual(expected);
  });

  it('ends what is there where only its end is stated', () => {
    const retired: Told = { node: NODE, valid: { from: undefined, to: DAY(7) }, publishedAt: DAY(8) };
    const history = historyOf([seen('A', 1), seen('B', 5), retired, seen('B', 9)]);
    expect(textsOf(history)).toEqual(['A 1–5', 'B 5–7 stated']);
    expect(textsOf(historyOf([retired], history))).toEqual(textsOf(history));
    expect(historyOf([retired])).toMatchObject([{ kind: null, validFrom: SINCE_EVER, validTo: DAY(7) }]);
  });

  it('leaves what is not mentioned as it is', () => {
    const told = [seen('A', 1), { node: NODE, zone: 'Z', at: DAY(3) }, { node: NODE, at: DAY(20) }];
    expect(historyOf(told)).toMatchObject([
      { kind: 'A', zone: null, title: 'title of A' },
      { kind: 'A', zone: 'Z', title: 'title of A', seenUntil: DAY(20) },
    ]);
  });

  it('begins anew where a version ended and the node is seen again', () => {
    const [first] = historyOf([seen('A', 1)]);
    const closed = [{ ...(first ?? expect.unreachable()), validTo: DAY(3) }];
    expect(textsOf(historyOf([seen('A', 9)], closed))).toEqual(['A 1–3', 'A 9–']);
  });

  it('notes that the same was seen again once a day at most', () => {
    const history = historyOf([seen('A', 1)]);
    const polls = Array.from({ length: 288 }, (_, i) => ({ ...seen('A', 1), at: DAY(1) + i * 300_000 }));
    expect(historyOf(polls, history)).toBe(history);
    expect(historyOf([seen('A', 2)], history)).toMatchObject([{ seenUntil: DAY(2) }]);
  });
});

describe('whatever comes', () => {
  const kind = fc.constantFrom('A', 'B', 'C');
  const sighting = fc.tuple(kind, fc.integer({ min: 0, max: 40 })).map(([of, day]) => seen(of, day));
  const statement = fc
    .tuple(kind, fc.integer({ min: 0, max: 40 }), fc.option(fc.integer({ min: 1, max: 10 })), fc.nat(3))
    .map(([of, from, days, published]) => stated(of, from, days === null ? null : from + days, published));
  const end = fc.integer({ min: 1, max: 40 }).map((to) => stated('E', undefined, to));
  const anything = fc.array(fc.oneof(sighting, statement, end), { maxLength: 30 });

  it('versions are in order and never overlap, and each is some time long', () => {
    fc.assert(
      fc.property(anything, (told) => {
        let reached = Number.NEGATIVE_INFINITY;
        for (const { validFrom, validTo, seenUntil } of historyOf(told)) {
          expect(validFrom).toBeGreaterThanOrEqual(reached);
          reached = validTo ?? Number.POSITIVE_INFINITY;
          expect(reached).toBeGreaterThan(validFrom);
          expect(seenUntil).toBeGreaterThanOrEqual(validFrom);
          expect(seenUntil).toBeLessThanOrEqual(reached);
        }
      }),
    );
  });

  it('sightings leave no hole, and nobody says twice in a row the same', () => {
    fc.assert(
      fc.property(fc.array(sighting, { minLength: 1, maxLength: 30 }), (told) => {
        const history = historyOf(told);
        for (const [i, version] of history.entries()) {
          expect(version.validTo).toBe(history[i + 1]?.validFrom ?? null);
          expect(version.kind).not.toBe(history[i + 1]?.kind);
        }
      }),
    );
  });

  it('only a statement’s end leaves a hole behind it', () => {
    fc.assert(
      fc.property(anything, (told) => {
        const history = historyOf(told);
        for (const [i, { validTo, statedAt }] of history.entries()) {
          if (validTo !== (history[i + 1]?.validFrom ?? null)) expect(statedAt).not.toBeNull();
        }
      }),
    );
  });

  it('what is told again changes nothing', () => {
    fc.assert(
      fc.property(anything, (told) => {
        const history = historyOf(told);
        for (const again of told.slice(-1)) expect(historyOf([again], history)).toBe(history);
      }),
    );
  });

  it('sightings of a node that never goes back make one history in any order', () => {
    const stretches = fc
      .uniqueArray(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 12 })
      .map((days) => days.sort((a, b) => a - b).map((day, i) => seen('ABCDEFGHIJKL'.charAt(Math.floor(i / 3)), day)));
    fc.assert(
      fc.property(shuffled(stretches), ([told, other]) => {
        expect(textsOf(historyOf(other))).toEqual(textsOf(historyOf(told)));
      }),
    );
  });

  it('statements and sightings make one history in any order', () => {
    const statements = fc.uniqueArray(statement, {
      maxLength: 6,
      selector: ({ valid, publishedAt }) => `${valid?.from} ${publishedAt}`,
    });
    const sightings = fc
      .uniqueArray(fc.integer({ min: 0, max: 60 }), { maxLength: 9 })
      .map((days) => days.sort((a, b) => a - b).map((day, i) => seen('UVWXYZ'.charAt(Math.floor(i / 3)), day)));
    const both = fc.tuple(statements, sightings).map((parts): Told[] => parts.flat());
    fc.assert(
      fc.property(shuffled(both), ([told, other]) => {
        expect(textsOf(historyOf(other))).toEqual(textsOf(historyOf(told)));
      }),
      { numRuns: 500 },
    );
  });

  it('what a version alone tells to change nothing changes nothing', () => {
    fc.assert(
      fc.property(anything, sighting, (told, next) => {
        const history = historyOf(told);
        if (history.some((version) => isSeenIn(version, next, next.at ?? 0))) {
          expect(historyOf([next], history)).toBe(history);
        }
      }),
    );
  });
});

function facts(kind: string): PlaceFacts {
  return { kind, zone: null, title: `title of ${kind}`, aliases: [kind] };
}

function historyOf(told: readonly Told[], history: PlaceHistory = []): PlaceHistory {
  return told.reduce((so, { publishedAt = DAY(100), ...place }) => historyWith(so, place, publishedAt), history);
}

/** `A 1–5`, in days. */
function textsOf(history: PlaceHistory): string[] {
  const day = (at: number) => (at - DAY(0)) / DAY_MS;
  return history.map(({ kind, validFrom, validTo, statedAt }) => {
    const until = validTo === null ? '' : day(validTo);
    return `${kind} ${day(validFrom)}–${until}${statedAt === null ? '' : ' stated'}`;
  });
}

/** With the same in another order. */
function shuffled<Thing>(things: fc.Arbitrary<Thing[]>): fc.Arbitrary<[Thing[], Thing[]]> {
  return things.chain((some) =>
    fc.shuffledSubarray(some, { minLength: some.length }).map((other): [Thing[], Thing[]] => [some, other]),
  );
}
