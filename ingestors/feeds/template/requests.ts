import { type CalendarDate, daysIn } from '../../../domain/calendar.ts';
import { BusbarError } from '../../../domain/errors.ts';
import { localNameOf, marketOf } from '../../../domain/market.ts';
import type { ChunkRange } from '../../feed.ts';
import type { ReportPlan, ReportRequest } from '../../sources/report-poller.ts';
import { MARKET, REPORTS, type ReportName, TIME_ZONE } from './reports.ts';
import type { TemplateSettings } from './settings.ts';

/** What Template can be asked for: a report, a day of its clock, nodes. */
export function templatePlan(settings: TemplateSettings): ReportPlan<ReportName> {
  return {
    vendor: 'Template',
    reports: REPORTS,
    requestsFor: (report, asked) => requestsFor(report, namesAsked(settings, asked), asked),
  };
}

/** Whether the text is what this feed itself would ask for: it is kept in the store until it is asked. */
export function isTemplateRequest(report: ReportName, text: string): boolean {
  return new RegExp(`^${report}/\\d{4}-\\d{2}-\\d{2}\\?nodes=[^&#/]+$`).test(text);
}

/** The text is what follows the base URL: `day-ahead/2026-07-02?nodes=NORTH%20HUB,SOUTH` */
function requestsFor(report: ReportName, names: readonly string[], { from, to }: ChunkRange): readonly ReportRequest[] {
  if (to <= from) return [];
  const nodes = names.map(encodeURIComponent).join();
  return daysIn(TIME_ZONE, from, to).map((day) => ({
    from: day.from,
    to: day.to,
    request: `${report}/${dateText(day)}?nodes=${nodes}`,
  }));
}

/** @throws BusbarError `BAD_USER_INPUT` for a node of another market, and where there is none to ask for. */
function namesAsked({ TEMPLATE_NODES }: TemplateSettings, { nodes }: ChunkRange): readonly string[] {
  const strange = nodes?.find((node) => marketOf(node).id !== MARKET);
  if (strange)
    throw new BusbarError('BAD_USER_INPUT', `${strange} is no node of Template: name nodes as in ${MARKET}:HUB`);
  const names = nodes?.map(localNameOf) ?? TEMPLATE_NODES;
  if (names.length > 0) return names;
  throw new BusbarError('BAD_USER_INPUT', 'no nodes to ask for: name some, or set TEMPLATE_NODES');
}

/** `2026-07-02` */
function dateText({ year, month, day }: CalendarDate): string {
  return [year, month, day].map((part) => String(part).padStart(2, '0')).join('-');
}
