import type { LmpFact } from '../../domain/lmp.ts';
import { type NodeName, nodeNameFrom } from '../../domain/market.ts';
import { type Decoder, defineFeed, type FeedOf, type PolledSource, type SourceParts } from '../feed.ts';
import {
  createReportPoller,
  intervalMsOf,
  type Report,
  type ReportPlan,
  type ReportSource,
  reportChunks,
} from './report-poller.ts';

/** A feed of prices that polls its vendor's reports: what is a feed's own of that. */
export interface ReportFeed<Settings, Name extends string> {
  readonly id: string;
  readonly title: string;
  /** The market whose nodes it prices. */
  readonly market: string;
  /** `iso.rt.lmp.<vendor>` and `iso.da.lmp.<vendor>`, each with its reports. */
  readonly streams: Readonly<Record<string, readonly Name[]>>;
  readonly decode: Decoder<LmpFact>;
  readonly publishedAt?: FeedOf<'lmp'>['publishedAt'];
  readonly env: PolledSource<Settings>['env'];
  readonly everyMs: number;
  readonly reports: Readonly<Record<Name, Report>>;
  /** The reports to poll with these settings; none where the nodes or the credentials are not set. */
  polled(settings: Settings): readonly Name[];
  /** Whose prices a report owes. Empty: all nodes that it has brought; undefined: none, its gaps could not be told. */
  owed(settings: Settings, report: Name): readonly NodeName[] | undefined;
  /**
   * How long after its interval began a price of the report is missing. Where nothing is said: day-ahead prices at once, which
   * are there before, and others once they are settled.
   */
  dueMs?(report: Report): number;
  /** What can be asked for. @param now of a backfill, milliseconds UTC */
  plan(settings: Settings, now: number): ReportPlan<Name>;
  open(settings: Settings, parts: SourceParts): ReportSource<Name>;
}

/** The vendor's own list grows without notice, so that nodes which nobody knows are registered. */
export function defineReportFeed<Settings, Name extends string>(
  feed: ReportFeed<Settings, Name>,
): FeedOf<'lmp', Settings> & { readonly source: PolledSource<Settings> } {
  const { id, title, streams, decode, publishedAt, env, everyMs, reports, market, dueMs = usuallyDueMs } = feed;
  const source: PolledSource<Settings> = {
    kind: 'poll',
    env,
    everyMs,
    partitions: feed.polled,
    expectations: (settings) =>
      feed.polled(settings).flatMap((partition) => {
        const nodes = feed.owed(settings, partition);
        const report = reports[partition];
        const due = { intervalMs: intervalMsOf(report), dueMs: dueMs(report) };
        return nodes ? [{ partition, run: report.run, market, nodes, ...due }] : [];
      }),
    chunks: (settings, partition, asked, now) => reportChunks(feed.plan(settings, now), partition, asked),
    open: (settings, parts) => createReportPoller(feed.open(settings, parts)),
  };
  const defined = { id, family: 'lmp', title, streams, unknownNodes: 'register', decode, source } as const;
  return { ...defineFeed({ ...defined, ...(publishedAt && { publishedAt }) }), source };
}

/** Those of the names that can be names of nodes. */
export function nodesNamed(market: string, names: readonly string[]): readonly NodeName[] {
  return names.map((name) => nodeNameFrom(market, name)).filter((node) => node !== undefined);
}

function usuallyDueMs({ run, settlesAfterMs }: Report): number {
  return run === 'DAY_AHEAD_HOURLY' ? 0 : settlesAfterMs;
}
