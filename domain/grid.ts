/**
 * Puts an instant that a source's clock has shifted a little back onto the grid of its intervals: multiples of the step
 * since the epoch, as clock hours and their parts are.
 * @param toleranceMs how far the instant may stand from the grid, either way; less than half a step, so that there is
 *   one place to put it.
 * @returns undefined where the instant is further from the grid than that: it is none of its intervals.
 * @throws RangeError where the step is not positive, or the tolerance negative or not less than half of it.
 */
export function alignedToGrid(instantMs: number, stepMs: number, toleranceMs: number): number | undefined {
  if (!(stepMs > 0)) throw new RangeError(`a grid has a positive step, not ${stepMs}`);
  if (!(toleranceMs >= 0 && toleranceMs < stepMs / 2)) {
    throw new RangeError(`a tolerance of ${toleranceMs} ms does not tell intervals of ${stepMs} ms apart`);
  }
  const aligned = Math.floor(instantMs / stepMs + 0.5) * stepMs;
  return Math.abs(instantMs - aligned) <= toleranceMs ? aligned : undefined;
}
