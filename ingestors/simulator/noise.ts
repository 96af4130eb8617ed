/**
 * Seeded noise that can be asked for at any instant: there is no state to advance, so the past can be told again.
 * A channel names an independent stream of the same source.
 */
export interface Noise {
  /** In [-1, 1], the same at every instant. */
  constant(channel: string): number;
  /** In [0, 1), independent at every millisecond. */
  uniform(channel: string, atMs: number): number;
  /** In [-1, 1), independent at every millisecond. */
  white(channel: string, atMs: number): number;
  /** In [-1, 1), wanders around 0 and comes back to it in about `periodMs`; continuous. */
  smooth(channel: string, atMs: number, periodMs: number): number;
}

export function createNoise(seed: number, name: string): Noise {
  const source = mix(hashOf(name) ^ Math.imul(seed | 0, 0x9e3779b1));
  const streams = new Map<string, number>();
  const streamOf = (channel: string): number => {
    const known = streams.get(channel);
    if (known !== undefined) return known;
    const stream = mix(source ^ hashOf(channel));
    streams.set(channel, stream);
    return stream;
  };
  const signed = (stream: number, index: number): number => 2 * unitFrom(stream, index) - 1;
  return {
    constant: (channel) => signed(streamOf(channel), 0),
    uniform: (channel, atMs) => unitFrom(streamOf(channel), atMs),
    white: (channel, atMs) => signed(streamOf(channel), atMs),
    smooth: (channel, atMs, periodMs) => {
      const stream = streamOf(channel);
      const place = atMs / periodMs;
      const knot = Math.floor(place);
      const from = signed(stream, knot);
      return from + (signed(stream, knot + 1) - from) * ease(place - knot);
    },
  };
}

/** 0 to 1 with level ends, so that the noise has no kinks. */
function ease(part: number): number {
  return part * part * (3 - 2 * part);
}

/** In [0, 1). The index is a whole number; both of its 32-bit halves count, as milliseconds need more than one. */
function unitFrom(stream: number, index: number): number {
  const high = Math.floor(index / 0x1_0000_0000);
  return mix(mix(stream ^ (index | 0)) ^ high) / 0x1_0000_0000;
}

/** The finaliser of MurmurHash3: every bit of the input moves half of the bits of the answer. */
function mix(value: number): number {
  let bits = value;
  bits = Math.imul(bits ^ (bits >>> 16), 0x85ebca6b);
  bits = Math.imul(bits ^ (bits >>> 13), 0xc2b2ae35);
  return (bits ^ (bits >>> 16)) >>> 0;
}

/** FNV-1a. */
function hashOf(text: string): number {
  let hash = 0x811c9dc5;
  for (let place = 0; place < text.length; place += 1) hash = Math.imul(hash ^ text.charCodeAt(place), 0x01000193);
  return hash >>> 0;
}
