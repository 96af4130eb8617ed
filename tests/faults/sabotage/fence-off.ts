import type { Claim } from '../../../ingestors/pipeline/store/positions.ts';
import type { Queryable } from '../../../prisma/queryable.ts';

export * from '../../../ingestors/pipeline/store/positions.ts';

export async function lockPartition(client: Queryable, { feed, partition }: Claim): Promise<number> {
  await client.query({
    name: 'lock-partition',
    text: 'SELECT FROM feed_position WHERE feed_id = $1 AND partition = $2 FOR UPDATE',
    values: [feed, partition],
  });
  const { rows } = await client.query<{ id: number }>(`SELECT nextval('ledger_entry_id_seq') AS id`);
  return rows[0]?.id ?? Number.NaN;
}
