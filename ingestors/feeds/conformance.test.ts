/** Every polled feed of prices, and the template, against what is demanded of one: what fails says what is missing. */
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { skippingClock, sourcePartsOn } from '../../tests/support/source-parts.ts';
import type { FeedOf, PolledSource } from '../feed.ts';
import type { OpenStandIn, StandInPlan } from '../stand-ins/plan.ts';
import { STAND_INS } from '../stand-ins/plans.ts';
import { TEMPLATE_STAND_IN } from '../stand-ins/template.ts';
import { DEMANDS, type FeedUnderTest, vendorOf } from './feed.conformance.ts';
import { FEEDS } from './index.ts';
import { templateLmp } from './template/feed.ts';

const NOW = Date.now();
/** Feeds and stand-ins have the same, so that nobody waits and nobody asks too often. */
const CLOCK = skippingClock(NOW);
const PARTS = sourcePartsOn(CLOCK);

const registered = FEEDS.flatMap((feed) =>
  feed.source.kind === 'poll' && feed.family === 'lmp' ? [{ id: feed.id, feed, source: feed.source }] : [],
);

describe.each(registered)('$id', ({ feed, source }) => {
  const plan = STAND_INS.find(({ vendor }) => vendor === vendorOf(feed).toUpperCase());
  conforms(feed, source, plan, {
    readme: readFileSync('README.md', 'utf8'),
    compose: readFileSync('docker-compose.yml', 'utf8'),
  });
});

describe('the template, which is no feed of the registry', () => {
  conforms(templateLmp, templateLmp.source, TEMPLATE_STAND_IN, { readme: undefined, compose: undefined });
});

function conforms(
  feed: FeedOf<'lmp'>,
  source: PolledSource<unknown>,
  plan: StandInPlan | undefined,
  project: Pick<FeedUnderTest, 'readme' | 'compose'>,
): void {
  let standIn: OpenStandIn | undefined;
  beforeAll(async () => {
    standIn = await plan?.open({}, CLOCK.now);
  });
  afterAll(() => standIn?.close());

  it.each(Object.entries(DEMANDS))('%s', async (_, demand) => {
    const card = `ingestors/feeds/${vendorOf(feed)}/README.md`;
    const lacks = await demand({
      ...{ feed, source, ...project, parts: PARTS, now: CLOCK.now() },
      card: existsSync(card) ? readFileSync(card, 'utf8') : undefined,
      standIn: standIn && plan && { ...standIn, urls: plan.urls },
    });
    expect(lacks).toEqual([]);
  });
}
