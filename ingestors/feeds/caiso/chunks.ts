import { BusbarError } from '../../../domain/errors.ts';
import { localNameOf, marketOf, type NodeName } from '../../../domain/market.ts';
import type { Chunk, ChunkRange } from '../../feed.ts';
import { operatingDays } from './corrections.ts';
import { CORRECTIONS, intervalMsOf, isReportName, REPORT_NAMES, REPORTS } from './reports.ts';
import { correctionsPathOf, isOasisNode, oasisRequests, pathOf, roundedUp } from './requests.ts';
import type { CaisoSettings } from './settings.ts';

/**
 * The requests of a backfill. How far back OASIS goes is left to OASIS, which says so itself (error 1014).
 * @throws BusbarError `BAD_USER_INPUT` for a partition or nodes that OASIS cannot be asked for.
 */
export function caisoChunks(settings: CaisoSettings, partition: string, asked: ChunkRange): readonly Chunk[] {
  if (partition === CORRECTIONS) return correctionChunks(asked);
  if (!isReportName(partition)) {
    throw refused(`CAISO has no "${partition}": backfill one of ${[...REPORT_NAMES, CORRECTIONS].join(', ')}`);
  }
  const nodes = nodesOf(settings, asked.nodes);
  // An interval that begins before the range is not asked for, even where it reaches into it.
  const from = roundedUp(asked.from, intervalMsOf(REPORTS[partition]));
  return oasisRequests(partition, nodes, from, asked.to).map((request) => ({
    from: request.start,
    to: request.end,
    request: pathOf(request),
  }));
}

function correctionChunks({ from, to, nodes }: ChunkRange): Chunk[] {
  if (nodes !== undefined) throw refused(`${CORRECTIONS} tells of all nodes: name none`);
  return operatingDays(from, to).map((day) => ({ from: day.start, to: day.end, request: correctionsPathOf(day) }));
}

function nodesOf(settings: CaisoSettings, asked: readonly NodeName[] | undefined): readonly string[] {
  const nodes = asked === undefined ? settings.CAISO_NODES : [...new Set(asked.map(oasisNodeOf))];
  if (nodes.length === 0)
    throw refused('no nodes to ask for: name some, as in CAISO:TH_NP15_GEN-APND, or set CAISO_NODES');
  return nodes;
}

function oasisNodeOf(node: NodeName): string {
  if (marketOf(node).id !== 'CAISO')
    throw refused(`${node} is no node of CAISO: name nodes as in CAISO:TH_NP15_GEN-APND`);
  const name = localNameOf(node);
  if (!isOasisNode(name)) throw refused(`${node} is not named as OASIS names its nodes, as in CAISO:TH_NP15_GEN-APND`);
  return name;
}

function refused(message: string): BusbarError {
  return new BusbarError('BAD_USER_INPUT', message);
}
