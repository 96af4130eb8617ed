import type { ServerResponse } from 'node:http';
import type { Budget } from './rate-limiter.ts';

/** Says with an answer what its sender may still ask for. */
export function tellBudget(response: ServerResponse, { limit, remaining, resetSeconds }: Budget): void {
  if (response.headersSent) return;
  response.setHeader('ratelimit-limit', limit);
  response.setHeader('ratelimit-remaining', remaining);
  response.setHeader('ratelimit-reset', resetSeconds);
}

/** One for each operation, and more for what costs more. */
export function pointsOf(cost: number): number {
  return Math.floor(cost / COST_PER_POINT);
}

const COST_PER_POINT = 1_000;
