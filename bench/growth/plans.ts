import { parse } from 'graphql';
import type pg from 'pg';
import { createHotOperation, operationOf } from '../../gateway/hot/hot-operation.ts';
import { rollupsOf } from '../../gateway/reads/rollups.ts';
import type { Queryable } from '../../gateway/reads/statement.ts';
import { schema } from '../../schema/schema.ts';
import { median } from '../summary.ts';
import type { Case } from './questions.ts';
import type { Shape } from './shape.ts';

/** How Postgres answers: the ways into `lmp`, and how many pages of 8 KB an answer takes. */
export interface Plan {
  readonly ways: string;
  readonly pages: number;
}

const QUESTIONS = 9;

/** What the gateway asks the store for a case, explained. */
export async function planOf(pool: pg.Pool, { query, variables }: Case, shape: Shape): Promise<Plan> {
  const document = parse(query);
  const operation = operationOf(document, undefined);
  const hot = operation && createHotOperation(schema, document, operation);
  const plans: Plan[] = [];
  for (let question = 0; question < QUESTIONS; question++) {
    const bound = hot?.bind(variables(shape));
    if (!bound) throw new Error(`not a hot query: ${query}`);
    const db = explaining(pool, (plan) => plans.push(plan));
    await bound.json({ db, rollups: rollupsOf(pool), clock: Date.now });
  }
  const ways = [...new Set(plans.map((plan) => plan.ways))].sort().join(' or ');
  return { ways, pages: median(plans.map(({ pages }) => pages)) };
}

interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  readonly 'Shared Hit Blocks': number;
  readonly 'Shared Read Blocks': number;
  readonly Plans?: readonly PlanNode[];
}

function explaining(pool: pg.Pool, tell: (plan: Plan) => void): Queryable {
  return {
    query: async (statement) => {
      const { text, values } = statement;
      const explained = await pool.query<{ 'QUERY PLAN': readonly [{ readonly Plan: PlanNode }] }>(
        `EXPLAIN (ANALYZE, BUFFERS, TIMING OFF, FORMAT JSON) ${text}`,
        values,
      );
      const root = explained.rows[0]?.['QUERY PLAN'][0].Plan;
      if (root && text.includes('lmp')) {
        const ways = new Set(waysOf(root));
        tell({ ways: [...ways].join(' + '), pages: root['Shared Hit Blocks'] + root['Shared Read Blocks'] });
      }
      return pool.query(statement);
    },
  };
}

/** Below a bitmap stands the index that made it. */
function waysOf(node: PlanNode): string[] {
  const place = node['Index Name'] ?? node['Relation Name'];
  const own = place?.startsWith('lmp') ? [`${node['Node Type']} of ${place}`] : [];
  return [...own, ...(node.Plans ?? []).flatMap(waysOf)];
}
