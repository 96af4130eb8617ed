/** That each demand on a feed fails where it should, in words that say what to do: the template, with one thing broken. */
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { z } from 'zod';
import { BusbarError } from '../../domain/errors.ts';
import { skippingClock, sourcePartsOn } from '../../tests/support/source-parts.ts';
import type { PolledSource } from '../feed.ts';
import type { OpenStandIn } from '../stand-ins/plan.ts';
import { TEMPLATE_STAND_IN } from '../stand-ins/template.ts';
import { DEMANDS, type FeedUnderTest } from './feed.conformance.ts';
import { decodeTemplateLmp } from './template/decode.ts';
import { templateLmp } from './template/feed.ts';

const CLOCK = skippingClock(Date.parse('2026-07-02T19:30Z'));
const CARD = readFileSync('ingestors/feeds/template/README.md', 'utf8');
const SOURCE: PolledSource<unknown> = templateLmp.source;
const KEYS = Object.keys(SOURCE.env.shape);

const { facts: FACTS } = decodeTemplateLmp({
  name: 'day-ahead',
  bytes: Buffer.from(
    '{"report":"day-ahead","prices":[{"node":"A","date":"2026-07-02","hourEnding":1,"lmp":1,"energy":1,"congestion":0,"loss":0}]}',
  ),
});

let standIn: OpenStandIn;
beforeAll(async () => {
  standIn = await TEMPLATE_STAND_IN.open({}, CLOCK.now);
});
afterAll(() => standIn.close());

test('where nothing is broken nothing is missing', async () => {
  for (const demand of Object.values(DEMANDS)) expect(await demand(template())).toEqual([]);
});

const BROKEN: readonly (readonly [what: string, demand: string, broken: () => Partial<FeedUnderTest>, lack: RegExp])[] =
  [
    ['no card', 'has a card', () => ({ card: undefined }), /^there is no card: write .*feeds\/template\/README.md$/],
    [
      'a card without a setting',
      'has a card',
      () => ({ card: CARD.replaceAll('TEMPLATE_URL', '') }),
      /does not name TEMPLATE_URL$/,
    ],
    [
      'a card without a partition',
      'has a card',
      () => ({ card: CARD.replaceAll('real-time', '') }),
      /does not name real-time$/,
    ],
    [
      'a card with a setting that there was',
      'has a card',
      () => ({ card: `${CARD} TEMPLATE_LOGIN` }),
      /names TEMPLATE_LOGIN, which is no setting$/,
    ],
    [
      'a setting without a description',
      'describes every setting',
      () => withSource({ env: z.object({ ...shape(), TEMPLATE_ZONE: z.string().optional() }) }),
      /^TEMPLATE_ZONE has no description/,
    ],
    [
      'a setting that is named otherwise',
      'describes every setting',
      () => withSource({ env: z.object({ ...shape(), ZONE: z.string().optional().describe('The zone.') }) }),
      /^ZONE does not begin with TEMPLATE_$/,
    ],
    [
      'partitions that are always polled',
      'polls nothing',
      () => withSource({ partitions: () => ['day-ahead'] }),
      /^day-ahead is polled although nothing is configured$/,
    ],
    [
      'no row in the README',
      'is known',
      () => ({ readme: '| `other-lmp` |' }),
      /^the table under "Feeds" in README.md has no row of template-lmp$/,
    ],
    [
      'a setting that a container does not get',
      'is known',
      () => ({
        compose: KEYS.slice(1)
          .map((name) => `${name}: \${${name}:-}`)
          .join('\n'),
      }),
      /^docker-compose.yml does not hand TEMPLATE_NODES to the ingestors$/,
    ],
    ['no stand-in', 'has a stand-in', () => ({ standIn: undefined }), /write ingestors\/stand-ins\/template.ts/],
    [
      'a stand-in that does not say where it is',
      'has a stand-in',
      () => ({ standIn: { ...opened(), environment: { TEMPLATE_NODES: 'NORTH', TEMPLATE_API_KEY: 'k' } } }),
      /does not say where that is: TEMPLATE_URL$/,
    ],
    [
      'a stand-in that sets what nobody reads',
      'has a stand-in',
      () => ({ standIn: { ...opened(), environment: { ...standIn.environment, TEMPLATE_NODE: 'NORTH' } } }),
      /sets TEMPLATE_NODE, which the feed does not read$/,
    ],
    [
      'a stand-in that leaves out the key',
      'has a stand-in',
      () => ({ standIn: { ...opened(), environment: { ...standIn.environment, TEMPLATE_API_KEY: undefined } } }),
      /nothing is polled$/,
    ],
    ['no streams', 'calls its reports by streams', () => withFeed({ streams: {} }), /^there are no streams: /],
    [
      'a stream of a partition that there is not',
      'calls its reports by streams',
      () => withFeed({ streams: { 'iso.rt.lmp.template': ['real-time', 'day-ahead', 'weekly'] } }),
      /^a stream has the partition weekly, and the feed has none: /,
    ],
    [
      'a report that is in no stream',
      'calls its reports by streams',
      () => withFeed({ streams: { 'iso.rt.lmp.template': ['real-time'] } }),
      /^day-ahead owes prices and is in no stream$/,
    ],
    [
      'a report that is in two streams',
      'calls its reports by streams',
      () =>
        withFeed({
          streams: { 'iso.rt.lmp.template': ['real-time'], 'iso.da.lmp.template': ['day-ahead', 'real-time'] },
        }),
      /^real-time is in two streams$/,
    ],
    ['no expectations', 'says what it owes', () => withSource({ expectations: () => [] }), /^it owes no prices/],
    [
      'a market that there is not',
      'says what it owes',
      () =>
        withSource({
          expectations: (settings) => SOURCE.expectations(settings).map((each) => ({ ...each, market: 'MARS' })),
        }),
      /the market MARS, which is not in domain\/market.ts$/,
    ],
    [
      'expectations of what is not polled',
      'says what it owes',
      () =>
        withSource({
          expectations: (settings) => SOURCE.expectations(settings).map((each) => ({ ...each, partition: 'weekly' })),
        }),
      /^it owes prices of weekly, which is not polled$/,
    ],
    ['a backfill of nothing', 'cuts a backfill', () => withSource({ chunks: () => [] }), /asks for nothing$/],
    [
      'a backfill that leaves out a day',
      'cuts a backfill',
      () => withSource({ chunks: (...asked) => SOURCE.chunks(...asked).slice(1) }),
      /leave out a part of its range$/,
    ],
    [
      'a backfill that goes backwards',
      'cuts a backfill',
      () => withSource({ chunks: (...asked) => SOURCE.chunks(...asked).toReversed() }),
      /is not in order: /,
    ],
    [
      'a key in a request',
      'tells no secret',
      () =>
        withSource({
          chunks: (...asked) =>
            SOURCE.chunks(...asked).map((chunk) => ({ ...chunk, request: `${chunk.request}&k=stand-in` })),
        }),
      /has a secret in its text/,
    ],
    [
      'requests that may be anything',
      'refuses a request',
      () =>
        withSource({
          open: (...given) => ({ ...SOURCE.open(...given), fetch: async (name) => answered(name) }),
        }),
      /is asked for "https:\/\/elsewhere.example\/x", which is none of its requests/,
    ],
    [
      'a decoder that reads nothing',
      'reads prices of its stand-in',
      () => withFeed({ decode: () => ({ facts: [], rejects: [] }) }),
      /^polls of its stand-in bring no price$/,
    ],
    [
      'a decoder that rejects',
      'reads prices of its stand-in',
      () =>
        withFeed({
          decode: () => ({ facts: [], rejects: [{ code: 'BAD_TIME', reason: 'no such hour', raw: Buffer.of() }] }),
        }),
      /cannot be read: no such hour$/,
    ],
    [
      'a decoder that makes do with half a number',
      'makes no other price',
      () =>
        withFeed({
          decode: ({ bytes }) => ({ facts: FACTS.map((fact) => ({ ...fact, lmp: bytes.length })), rejects: [] }),
        }),
      /^day-ahead without its last 1 bytes has another price: /,
    ],
    [
      'a decoder that throws what it did not mean to',
      'makes no price of damaged bytes',
      () => withFeed({ decode: ({ bytes }) => JSON.parse(bytes.toString()) }),
      /^decode of "" as day-ahead throws no BusbarError: Unexpected end/,
    ],
    [
      'a decoder that takes anything',
      'makes no price of damaged bytes',
      () => withFeed({ decode: () => ({ facts: [], rejects: [] }) }),
      /^decode takes "" as day-ahead: throw MALFORMED, or NO_DATA$/,
    ],
    [
      'a decoder that does not say what is wrong',
      'makes no price of damaged bytes',
      () =>
        withFeed({
          decode: () => {
            throw new BusbarError('MALFORMED', 'bad');
          },
        }),
      /does not say what is wrong with it$/,
    ],
  ];

test.each(BROKEN)('%s is told', async (_, name, broken, lack) => {
  const [demand] = Object.entries(DEMANDS).flatMap(([each, check]) => (each.startsWith(name) ? [check] : []));
  expect(await demand?.({ ...template(), ...broken() })).toContainEqual(expect.stringMatching(lack));
});

test('every demand is broken here', () => {
  for (const demand of Object.keys(DEMANDS))
    expect(
      BROKEN.some(([, name]) => demand.startsWith(name)),
      demand,
    ).toBe(true);
});

function template(): FeedUnderTest {
  return {
    ...{ feed: templateLmp, source: templateLmp.source, card: CARD, standIn: opened() },
    ...{ readme: undefined, compose: undefined, parts: sourcePartsOn(CLOCK), now: CLOCK.now() },
  };
}

function opened() {
  return { ...standIn, urls: TEMPLATE_STAND_IN.urls };
}

function withSource(change: Partial<PolledSource<unknown>>): Partial<FeedUnderTest> {
  return { source: { ...SOURCE, ...change } };
}

function withFeed(change: Partial<FeedUnderTest['feed']>): Partial<FeedUnderTest> {
  return { feed: { ...templateLmp, ...change } };
}

function shape() {
  return templateLmp.source.env.shape;
}

function answered(name: string) {
  return { payload: { bytes: Buffer.of(), name }, request: '', publishedAt: 0 };
}
