export interface PartLimits {
  readonly thingsMax: number;
  readonly bytesMax: number;
}

/** Consecutive things in parts, each within the limits; one that is larger than they allow is a part by itself. */
export function partsOf<Thing>(
  things: readonly Thing[],
  bytesOf: (thing: Thing) => number,
  { thingsMax, bytesMax }: PartLimits,
): Thing[][] {
  const parts: Thing[][] = [];
  let bytes = 0;
  for (const thing of things) {
    const part = parts.at(-1);
    bytes += bytesOf(thing);
    if (part && part.length < thingsMax && bytes <= bytesMax) part.push(thing);
    else {
      parts.push([thing]);
      bytes = bytesOf(thing);
    }
  }
  return parts;
}
