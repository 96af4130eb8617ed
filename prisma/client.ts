import { PrismaPg } from '@prisma/adapter-pg';
import type pg from 'pg';
import { PrismaClient } from './generated/client.ts';

/**
 * Prisma over the shared pool: for the ordinary entity reads. Bulk writes and hot reads are SQL on the same pool,
 * where Prisma's own path costs about twice as much.
 */
export function createPrisma(pool: pg.Pool): PrismaClient {
  return new PrismaClient({ adapter: new PrismaPg(pool) });
}

export type { PrismaClient } from './generated/client.ts';
