import { AsyncLocalStorage } from 'node:async_hooks';
import type pg from 'pg';

/** What a request took of the store. */
export interface SqlCount {
  readonly statements: number;
  /** Milliseconds of all its statements, those that ran side by side each in full. */
  readonly ms: number;
}

/** Counts statements by the request that they are made for, so that whoever writes a query sees what it costs. */
export interface SqlCounter {
  /** The pool that was given; what is asked of this one is counted. */
  readonly pool: pg.Pool;
  /** Counts what the work asks, wherever it does, also what it starts. */
  during<T>(work: () => T): T;
  /** So far; undefined where nothing is counted. */
  counted(): SqlCount | undefined;
}

export function createSqlCounter(pool: pg.Pool): SqlCounter {
  const counts = new AsyncLocalStorage<{ statements: number; ms: number }>();

  const counting = <Asked extends pg.Pool | pg.PoolClient>(asked: Asked): Asked =>
    new Proxy(asked, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name, target);
        if (typeof value !== 'function') return value;
        if (name === 'query') return counted(value.bind(target));
        return name === 'connect' ? connected(value.bind(target)) : value.bind(target);
      },
    });

  const counted =
    (query: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      const count = counts.getStore();
      const startedAt = performance.now();
      const answer = query(...args);
      if (!count) return answer;
      count.statements++;
      const stop = () => {
        count.ms += performance.now() - startedAt;
      };
      if (answer instanceof Promise) answer.then(stop, stop);
      return answer;
    };

  const connected =
    (connect: (...args: unknown[]) => unknown) =>
    (...args: unknown[]) => {
      const client = connect(...args);
      return client instanceof Promise ? client.then(counting) : client;
    };

  return {
    pool: counting(pool),
    during: (work) => counts.run({ statements: 0, ms: 0 }, work),
    counted: () => {
      const count = counts.getStore();
      return count && { statements: count.statements, ms: Math.round(count.ms * 100) / 100 };
    },
  };
}
