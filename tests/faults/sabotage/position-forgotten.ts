import type pg from 'pg';
import { type Claim, claimPartition as claimWithPosition } from '../../../ingestors/pipeline/store/positions.ts';

export * from '../../../ingestors/pipeline/store/positions.ts';
export { lockPartition } from './fence-off.ts';

export async function claimPartition(...claim: [pg.Pool, string, string, string]): Promise<Claim> {
  return { ...(await claimWithPosition(...claim)), position: undefined };
}
