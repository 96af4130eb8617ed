import type { PrismaClient } from '../../prisma/client.ts';
import type { MarketRow } from '../../schema/context.ts';

export function readMarkets(prisma: PrismaClient, within?: readonly string[]): Promise<MarketRow[]> {
  return prisma.market.findMany({ ...(within && { where: { id: { in: [...within] } } }), orderBy: { id: 'asc' } });
}
