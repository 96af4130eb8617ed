import type { Context, Reads } from '../../schema/context.ts';

/** By their loaders, which stay the same wherever a context is copied. */
const ends = new WeakMap<object, (error: Error) => void>();

/** A context that can be ended: graphql-js goes on with what it has begun, also where nobody waits for it any more. */
export function endingContext(reads: Reads, make: (reads: Reads) => Context): Context {
  let ended: Error | undefined;
  const context = make(
    new Proxy(reads, {
      get(target, name) {
        const read: unknown = Reflect.get(target, name);
        if (typeof read !== 'function') return read;
        return (...asked: readonly unknown[]) => (ended ? Promise.reject(ended) : Reflect.apply(read, target, asked));
      },
    }),
  );
  ends.set(context.loaders, (error) => {
    ended = error;
  });
  return context;
}

/** From now on, nothing is asked of the store by it; what was asked, the store cancels in time. */
export function endContext(context: object, error: Error): void {
  if ('loaders' in context && typeof context.loaders === 'object' && context.loaders)
    ends.get(context.loaders)?.(error);
}
