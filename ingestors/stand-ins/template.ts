import { Temporal } from 'temporal-polyfill';
import { jsonTurned, jsonWithout } from './columns.ts';
import { LIMIT, listed, opened, SPACING, type StandInPlan } from './plan.ts';
import { pricePartsOf } from './price-shape.ts';
import { type Answer, type RequestLimit, type StandIn, type StandInOptions, startStandIn } from './stand-in.ts';
import type { ToldTrouble, Trouble } from './trouble.ts';

/** A local server that speaks Template's web service. It checks key and path on its own account and shares no code with the feed. */
export interface TemplateOptions extends StandInOptions {
  readonly nodes: readonly string[];
  readonly key: string;
  readonly limit?: RequestLimit;
}

/** `url` is as in `TEMPLATE_URL`. */
export type Template = StandIn<Trouble | ToldTrouble, TemplateLogEntry>;

export interface TemplateLogEntry {
  readonly at: number;
  /** Path and query. */
  readonly target: string;
  /** A status, `stall` or `cut`. */
  readonly answer: string;
}

/** How `npm start -- --stand-ins` opens it. */
export const TEMPLATE_STAND_IN: StandInPlan = {
  vendor: 'TEMPLATE',
  simulates: 'web service: day-ahead and real-time LMP',
  urls: ['TEMPLATE_URL'],
  open: async (given, now) => {
    const nodes = given.TEMPLATE_NODES ?? 'NORTH,SOUTH';
    const key = given.TEMPLATE_API_KEY ?? 'stand-in';
    const template = await startTemplate({ now, nodes: listed(nodes), key, limit: LIMIT });
    return opened(template, {
      TEMPLATE_NODES: nodes,
      TEMPLATE_API_KEY: key,
      TEMPLATE_URL: template.url,
      TEMPLATE_REQUEST_SPACING_MS: SPACING,
    });
  },
};

export function startTemplate(options: TemplateOptions): Promise<Template> {
  return startStandIn<never, TemplateLogEntry>(options, {
    path: BASE,
    limit: options.limit,
    answer: ({ url, headers, now }) =>
      headers['x-api-key'] === options.key ? answerTo(url, options, now) : said(401, 'unknown key'),
    forms: {
      status: (status) => said(status, 'failed'),
      throttled: () => said(429, 'too many requests'),
      unauthorized: () => said(401, 'unknown key'),
      noData: (_, right) => changed(right(), (text) => JSON.stringify({ ...JSON.parse(text), prices: [] })),
      withoutColumn: (_, right) => changed(right(), (text) => jsonWithout(text, 'lmp')),
      turned: (_, right) => changed(right(), jsonTurned),
    },
    entry: ({ target, now }, outcome) => ({
      at: now,
      target,
      answer: typeof outcome === 'string' ? outcome : String(outcome.status),
    }),
  });
}

/** Prices in cents, so that the sum is exact; the same for the same node and hour. */
export function templatePrices(report: string, node: string, startMs: number) {
  const parts = pricePartsOf({ market: 'PJM', ahead: report === 'day-ahead', place: node, startMs });
  const [energy, congestion, loss] = [parts.energy, parts.congestion, parts.loss].map(
    (part) => Math.round(part * 100) + 0,
  );
  const [e, c, l] = [energy ?? 0, congestion ?? 0, loss ?? 0];
  return { lmp: (e + c + l) / 100, energy: e / 100, congestion: c / 100, loss: l / 100 };
}

const BASE = '/v1';
const ZONE = 'America/New_York';

function answerTo({ pathname, searchParams }: URL, { nodes }: TemplateOptions, now: number): Answer {
  const [, report = '', date = ''] = /^\/v1\/(day-ahead|real-time)\/(\d{4}-\d{2}-\d{2})$/.exec(pathname) ?? [];
  if (report === '') return said(404, 'no such report');
  const asked = listed(searchParams.get('nodes') ?? '').filter((node) => nodes.includes(node));
  const hours = hoursOf(Temporal.PlainDate.from(date)).filter((hour) => now >= publishedAt(report, hour));
  const prices = hours.flatMap((hour) => asked.map((node) => rowOf(report, node, hour)));
  return { status: 200, type: 'application/json', body: JSON.stringify({ report, prices }) };
}

function hoursOf(date: Temporal.PlainDate): readonly Temporal.ZonedDateTime[] {
  const first = date.toZonedDateTime(ZONE);
  const { hoursInDay } = first;
  return Array.from({ length: hoursInDay }, (_, hours) => first.add({ hours }));
}

/** Tomorrow at 13:00; an hour ten minutes after its end. */
function publishedAt(report: string, hour: Temporal.ZonedDateTime): number {
  const dayBefore = hour.toPlainDate().subtract({ days: 1 });
  return report === 'day-ahead'
    ? dayBefore.toZonedDateTime({ timeZone: ZONE, plainTime: '13:00' }).epochMilliseconds
    : hour.add({ minutes: 70 }).epochMilliseconds;
}

function rowOf(report: string, node: string, hour: Temporal.ZonedDateTime) {
  const before = hour.subtract({ hours: 1 });
  return {
    node,
    type: 'HUB',
    date: hour.toPlainDate().toString(),
    hourEnding: hour.hour + 1,
    repeated: before.hour === hour.hour,
    ...templatePrices(report, node, hour.epochMilliseconds),
  };
}

function changed(right: Answer, change: (text: string) => string): Answer {
  return right.status === 200 ? { ...right, body: change(String(right.body)) } : right;
}

function said(status: number, error: string): Answer {
  return { status, type: 'application/json', body: JSON.stringify({ error }) };
}
