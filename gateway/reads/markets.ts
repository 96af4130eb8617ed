import type { PrismaClient } from '../../prisma/client.ts';
import type { MarketRow } from '../../schema/context.ts';

export function readMarkets(prisma: PrismaClient): Promise<MarketRow[]> {
  return prisma.market.findMany({ orderBy: { id: 'asc' } });
}
