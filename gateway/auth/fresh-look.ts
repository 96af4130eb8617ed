import { setTimeout as pause } from 'node:timers/promises';

/**
 * Looks something up again for whoever found nothing. What is resolved with began after it was asked for, so that it knows
 * of all that happened before; however many ask, they share one look, and two never begin within the spacing: strangers
 * cannot make us ask others more often than that.
 */
export function createFreshLook(look: () => Promise<void>, spacingMs: number): () => Promise<void> {
  let underWay: Promise<unknown> = Promise.resolve();
  let next: Promise<void> | undefined;
  let freeAt = 0;

  const lookInTurn = async () => {
    await underWay;
    await pause(Math.max(0, freeAt - performance.now()));
    next = undefined;
    freeAt = performance.now() + spacingMs;
    const looking = look();
    underWay = looking.catch(() => {});
    await looking;
  };

  return () => {
    next ??= lookInTurn();
    return next;
  };
}
