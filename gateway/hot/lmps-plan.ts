import { LMP_CURSOR, lmpsQuestion } from '../../schema/lmp.ts';
import { lmpsText, lmpsValues } from '../reads/lmps.ts';
import { type LmpColumn, lmpStatements } from './lmp-rows.ts';
import { type LmpSource, lmpTemplate } from './lmp-template.ts';
import { type FieldTemplates, listJson, objectTemplate, onlyJson, type Template } from './object-template.ts';
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
          return onlyJson(template({ run, nodes, rows, length, isFirst: page.after === undefined }));
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
      return template && ((page) => listJson(page.length, template(page)));
    },
    pageInfo: (below) => objectTemplate('PageInfo', selections.of(below.sets, 'PageInfo'), pageInfoFields(wants)),
  });
}

function edgeTemplate(selected: Selected, selections: Selections, wants: Set<LmpColumn>) {
  return objectTemplate<LmpPage>('LmpEdge', selections.of(selected.sets, 'LmpEdge'), {
    cursor: () => {
      wants.add('place');
      return (page) => page.rows.numbersOf('startAt').map((_, row) => cursorJson(page, row));
    },
    node: (below) => lmpTemplate(below, selections, wants),
  });
}

function pageInfoFields(wants: Set<LmpColumn>): FieldTemplates<LmpPage> {
  const cursorAt = (rowOf: (page: LmpPage) => number) => (): Template<LmpPage> => {
    wants.add('place');
    return (page) => (page.length > 0 ? cursorJson(page, rowOf(page)) : 'null');
  };
  return {
    hasNextPage: () => (page) => String(page.rows.count > page.length),
    hasPreviousPage: () => (page) => String(!page.isFirst),
    startCursor: cursorAt(() => 0),
    endCursor: cursorAt((page) => page.length - 1),
  };
}

function cursorJson({ nodes, rows }: LmpPage, row: number): string {
  const node = nodes[(rows.numbersOf('place')[row] ?? 0) - 1] ?? '';
  const startAt = rows.numbersOf('startAt')[row] ?? Number.NaN;
  return JSON.stringify(LMP_CURSOR.encode({ startAt, node }));
}
