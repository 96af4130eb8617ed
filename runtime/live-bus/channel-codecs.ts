import { type EventCodec, jsonCodec } from './event-codec.ts';
import type { Channel, Channels } from './live-bus.ts';
import { tickCodec } from './tick-codec.ts';

/** How the events of each channel are kept where they are kept as bytes. */
export const CHANNEL_CODECS: { readonly [C in Channel]: EventCodec<Channels[C]> } = {
  lmp: tickCodec,
  trades: jsonCodec(1, 'trades'),
  positions: jsonCodec(1, 'positions'),
  forecasts: jsonCodec(1, 'forecasts'),
};
