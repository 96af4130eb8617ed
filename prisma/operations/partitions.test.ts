import { expect, it } from 'vitest';
import { freshDatabase } from '../../tests/support/postgres.ts';
import {
  chunkPartition,
  isSourcePartition,
  isSourcePartitionSql,
  ownPartition,
  ownPartitionSql,
} from './partitions.ts';

const db = await freshDatabase();

it.each([
  ['PRC_LMP', 'PRC_LMP', true],
  ['0', '0', true],
  ['file', 'file', false],
  ['backfill/PRC_LMP', 'PRC_LMP', false],
  ['replay/0', '0', false],
  ['retry/file', 'file', false],
  // Of a source that has slashes, or our words, in its names.
  ['north/backfill/x', 'north/backfill/x', true],
  ['backfill/north/x', 'north/x', false],
  ['retry', 'retry', true],
])('reads %s as of %s, in TypeScript and in SQL', async (partition, own, ofSource) => {
  expect([ownPartition(partition), isSourcePartition(partition)]).toEqual([own, ofSource]);
  const { rows } = await db.pool.query(
    `SELECT ${ownPartitionSql('name')} AS own, ${isSourcePartitionSql('name')} AS "ofSource"
     FROM (SELECT $1::text AS name) AS asked`,
    [partition],
  );
  expect(rows).toEqual([{ own, ofSource }]);
});

it.each(['BACKFILL', 'REPLAY', 'RETRY'] as const)('reads back what it wrote of a %s', (kind) => {
  expect(ownPartition(chunkPartition(kind, 'PRC_LMP'))).toBe('PRC_LMP');
  expect(chunkPartition(kind, 'PRC_LMP')).toBe(`${kind.toLowerCase()}/PRC_LMP`);
});
