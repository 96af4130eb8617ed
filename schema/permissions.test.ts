import { readFile } from 'node:fs/promises';
import { type GraphQLSchema, isObjectType } from 'graphql';
import { describe, expect, it } from 'vitest';
import { permissionFor } from './permissions.ts';
import { rightsMatrix } from './rights-matrix.ts';
import { schema } from './schema.ts';

const ROOTS = ['Query', 'Mutation', 'Subscription'];

describe('permissions', () => {
  it('every field of a root says which one it needs', () => {
    const silent = fieldsOf(schema, (type) => ROOTS.includes(type)).filter(({ field }) => !permissionFor(field));
    expect(silent.map(({ place }) => place)).toEqual([]);
  });

  it('fields that lead to lineage, earlier versions, jobs or the desk say it as well', () => {
    const below = fieldsOf(schema, (type) => !ROOTS.includes(type));
    const saying = below.flatMap(({ place, field }) => {
      const permission = permissionFor(field);
      return permission ? [`${place} ${permission}`] : [];
    });
    const toLedger = below.filter(({ field }) => String(field.type) === 'LedgerEntry').map(({ place }) => place);
    expect(toLedger.length).toBeGreaterThan(5);
    expect(saying).toEqual(expect.arrayContaining(toLedger.map((place) => `${place} ANALYSIS`)));
    expect(saying.filter((each) => !toLedger.some((place) => each.startsWith(`${place} `))).sort()).toEqual([
      'AuditEntry.job FEEDS',
      'DeadLetter.rawBase64 FEEDS',
      'DeadLetter.rawText FEEDS',
      'DeadLetter.reason FEEDS',
      'Feed.completeness ANALYSIS',
      'Feed.gaps ANALYSIS',
      'LedgerEntry.job FEEDS',
      'Lmp.revisions ANALYSIS',
      'Position.trades DESK',
      'PricingNode.history ANALYSIS',
      'Trade.versions DESK',
    ]);
  });

  it('what was known earlier needs more than what is known now', () => {
    const { lmpSeries } = schema.getQueryType()?.getFields() ?? {};
    expect(lmpSeries && permissionFor(lmpSeries)).toBe('PRICES');
    expect(lmpSeries && permissionFor(lmpSeries, { asOf: 0 })).toBe('ANALYSIS');
  });
});

function fieldsOf(of: GraphQLSchema, isWanted: (type: string) => boolean) {
  return Object.values(of.getTypeMap())
    .filter((type) => isObjectType(type) && !type.name.startsWith('__') && isWanted(type.name))
    .flatMap((type) => (isObjectType(type) ? Object.values(type.getFields()) : []).map((field) => ({ type, field })))
    .map(({ type, field }) => ({ place: `${type.name}.${field.name}`, field }));
}

it('docs/rights.md says who may do what, as the code does', async () => {
  expect(await readFile(new URL('../docs/rights.md', import.meta.url), 'utf8')).toBe(rightsMatrix(schema));
});
