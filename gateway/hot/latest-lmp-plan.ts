import { latestLmpQuestion } from '../../schema/lmp.ts';
import { askedNodes } from '../reads/asked-nodes.ts';
import { latestLmpText } from '../reads/latest-lmp.ts';
import { type LmpColumn, lmpStatements } from './lmp-rows.ts';
import { lmpTemplate } from './lmp-template.ts';
import { listJson } from './object-template.ts';
import type { PlanRoot } from './root-plan.ts';

type Arguments = Parameters<typeof latestLmpQuestion>[0];

const statementFor = lmpStatements('hot-latest-lmp', latestLmpText);

export const planLatestLmp: PlanRoot = (selected, selections) => {
  const wants = new Set<LmpColumn>();
  const template = lmpTemplate(selected, selections, wants);
  if (!template) return undefined;
  const statement = statementFor(wants);
  return {
    bind(args) {
      // The schema has made them of what the field declares.
      const { nodes, run } = latestLmpQuestion(args as unknown as Arguments);
      const { markets, names } = askedNodes(nodes);
      return {
        reads: { nodes, run },
        json: async ({ db }) => {
          const rows = await statement.read(db, [markets, names, run]);
          return listJson(rows.count, template({ run, nodes, rows }));
        },
      };
    },
  };
};
