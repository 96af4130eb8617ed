import { LMP_CURSOR, lmpsQuestion } from '../../schema/lmp.ts';
import { lmpsText, lmpsValues } from '../reads/lmps.ts';
import { type LmpColumn, lmpStatements } from './lmp-rows.ts';
import { type LmpSource, lmpTemplate } from './lmp-template.ts';
import { type FieldTemplates, listJson, objectTemplate, type Template, type Write } from './object-template.ts';
import type { PlanRoot } from './root-plan.ts';
import type { Selected, Selections } from './selection.ts';

type Arguments = Parameters<typeof lmpsQuestion>[0];

interface LmpPage extends LmpSource {
  /** Rows of the page; there may be one behind it. */
  readonly length: number;
  readonly isFirst: boolean;
}

const statementFor = lmpStatements('hot-lmps', lmpsText);

export const planLmps: PlanRoot = (selected, selections) => {
  const wants = new Set<LmpColumn>();
  const template = connectionTemplate(selected, selections, wants);
  if (!template) return undefined;
  const statement = statementFor(wants);
  return {
    bind(args) {
      // The schema has made them of what the field declares.
      const question = lmpsQuestion(args as unknown as Arguments);
      const { run, range, page } = question;
      const { nodes, values } = lmpsValues(question);
      return {
        reads: { nodes, run, range },
        json: async ({ db }) => {
          const rows = await statement.read(db, values);
          const length = Math.min(rows.count, page.first);
          return template({ run, nodes, rows, length, isFirst: page.after === undefined })(0);
        },
      };
    },
  };
};

function connectionTemplate(
  selected: Selected,
  selections: Selections,
  wants: Set<LmpColumn>,
): Template<LmpPage> | undefined {
  return objectTemplate<LmpPage>('LmpConnection', selections.of(selected.sets, 'LmpConnection'), {
    edges: (below) => {
      const template = edgeTemplate(below, selections, wants);
      return (
        template &&
        ((page) => {
          const write = template(page);
          return () => listJson(page.length, write);
        })
      );
    },
    pageInfo: (below) => objectTemplate('PageInfo', selections.of(below.sets, 'PageInfo'), pageInfoFields(wants)),
  });
}

function edgeTemplate(selected: Selected, selections: Selections, wants: Set<LmpColumn>) {
  return objectTemplate<LmpPage>('LmpEdge', selections.of(selected.sets, 'LmpEdge'), {
    cursor: () => cursorTemplate(wants),
    node: (below) => lmpTemplate(below, selections, wants),
  });
}

function pageInfoFields(wants: Set<LmpColumn>): FieldTemplates<LmpPage> {
  const cursorAt = (rowOf: (page: LmpPage) => number) => () => {
    const template = cursorTemplate(wants);
    const write: Template<LmpPage> = (page) => () => (page.length > 0 ? template(page)(rowOf(page)) : 'null');
    return write;
  };
  return {
    hasNextPage: () => (page) => () => String(page.rows.count > page.length),
    hasPreviousPage: () => (page) => () => String(!page.isFirst),
    startCursor: cursorAt(() => 0),
    endCursor: cursorAt((page) => page.length - 1),
  };
}

function cursorTemplate(wants: Set<LmpColumn>): Template<LmpPage> {
  wants.add('place');
  return ({ nodes, rows }): Write => {
    const places = rows.numbersOf('place');
    const starts = rows.numbersOf('startAt');
    return (row) => {
      const node = nodes[(places[row] ?? 0) - 1] ?? '';
      return JSON.stringify(LMP_CURSOR.encode({ startAt: starts[row] ?? Number.NaN, node }));
    };
  };
}
