import { readFile } from 'node:fs/promises';
import type pg from 'pg';

/** Microseconds of CPU that each process has taken so far. */
export type CpuTimes = ReadonlyMap<number, number>;

/** By Linux' count, in hundredths of a second; a process that is gone is left out. */
export async function cpuTimesOf(pids: readonly number[]): Promise<CpuTimes> {
  const stats = await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/stat`, 'utf8').catch(() => undefined)));
  return new Map(
    pids.flatMap((pid, place) => {
      const stat = stats[place];
      return stat === undefined ? [] : [[pid, ticksFrom(stat) * 10_000] as const];
    }),
  );
}

/** What the processes that are there at the end took in between. */
export function usBetween(before: CpuTimes, after: CpuTimes): number {
  return [...after].reduce((sum, [pid, us]) => sum + us - (before.get(pid) ?? 0), 0);
}

/** The processes that serve a database's connections. */
export async function backendsOf(pool: pg.Pool): Promise<number[]> {
  const text = 'SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()';
  const { rows } = await pool.query<{ pid: number }>(text);
  return rows.map(({ pid }) => pid);
}

/** User and system time are the 14th and 15th field; the second is a name in brackets, which may hold blanks. */
function ticksFrom(stat: string): number {
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13);
  return Number(user) + Number(system);
}
