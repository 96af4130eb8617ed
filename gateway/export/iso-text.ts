import { DAY_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';

const two = (value: number) => String(value).padStart(2, '0');
const MINUTES = Array.from({ length: 1_440 }, (_, at) => `${two(Math.floor(at / 60))}:${two(at % 60)}:00.000Z`);

/**
 * Writes milliseconds UTC as ISO 8601, as `isoFromInstant` does. Neighbours mostly share their day, whose date is
 * then written once.
 */
export function createIsoText(): (instantMs: number) => string {
  let dayMs = Number.NaN;
  let date = '';
  return (instantMs) => {
    const ofDay = ((instantMs % DAY_MS) + DAY_MS) % DAY_MS;
    if (ofDay % MINUTE_MS !== 0) return isoFromInstant(instantMs);
    if (instantMs - ofDay !== dayMs) {
      dayMs = instantMs - ofDay;
      date = isoFromInstant(dayMs).slice(0, -13);
    }
    return date + MINUTES[ofDay / MINUTE_MS];
  };
}
