import type { GraphQLField, GraphQLSchema } from 'graphql';
import { isObjectType } from 'graphql';
import { EXPORT_PERMISSIONS, may, PERMISSIONS, type Permission, ROLES } from '../domain/rights.ts';
import type { Context } from './context.ts';
import { permissionFor } from './permissions.ts';

/** `docs/rights.md`: who may do what, as the code says it. */
export function rightsMatrix(schema: GraphQLSchema): string {
  return `# Rights

Printed by \`npm run rights\` from \`domain/rights.ts\` and the schema; a test checks that it is up to date. How they are brought to bear:
[0027](decisions/0027-rights-in-two-places.md).

A role gives permissions; scopes say of which markets, feeds and accounts. Both have to allow a thing. What is named and out of scope is
\`FORBIDDEN\`, what is not named is narrowed to what is in scope.

## Permissions

${table(
  ['permission', 'what it opens', ...ROLES],
  Object.entries(PERMISSIONS).map(([name, opens]) => [name, opens, ...rolesWith(name as Permission)]),
)}

## Queries

${rootTable(schema, 'Query')}

## Mutations

${rootTable(schema, 'Mutation')}

## Subscriptions

When somebody subscribes, and again at each event.

${rootTable(schema, 'Subscription')}

## Exports

${table(['path', 'needs'], EXPORTS)}

## Fields below these that need more

${table(['field', 'needs'], fieldsBelow(schema))}
`;
}

const EXPORTS = Object.entries(EXPORT_PERMISSIONS).map(([path, permission]) => [`\`/export/${path}\``, permission]);

function rootTable(schema: GraphQLSchema, root: string): string {
  const rows = fieldsOf(schema, root).map((field) => {
    const permission = permissionFor(field);
    return [`\`${field.name}\``, needs(field), ...(permission ? rolesWith(permission) : [])];
  });
  return table(['field', 'needs', ...ROLES], rows);
}

/** With an earlier instant, some fields need more. */
function needs(field: GraphQLField<unknown, Context>): string {
  const plain = permissionFor(field) ?? 'nothing it names';
  const earlier = field.args.some(({ name }) => name === 'asOf') ? permissionFor(field, { asOf: 0 }) : plain;
  return earlier === plain ? plain : `${plain}; with \`asOf\` ${earlier}`;
}

function fieldsBelow(schema: GraphQLSchema): string[][] {
  const roots = ['Query', 'Mutation', 'Subscription'];
  const types = Object.values(schema.getTypeMap()).filter(
    ({ name }) => !name.startsWith('__') && !roots.includes(name),
  );
  return types.flatMap(({ name: type }) =>
    fieldsOf(schema, type).flatMap((field) => {
      const permission = permissionFor(field);
      const place = `${type}.${field.name}`;
      return permission ? [[`\`${place}\``, `${permission}${OF_RECORDS.has(place) ? OF_TRADES : ''}`]] : [];
    }),
  );
}

/** What shows a record that could not become a fact, or quotes it. */
const OF_RECORDS: ReadonlySet<string> = new Set(['DeadLetter.rawBase64', 'DeadLetter.rawText', 'DeadLetter.reason']);
const OF_TRADES = '; of a feed of trades DESK, and everything in scope';

function fieldsOf(schema: GraphQLSchema, type: string): GraphQLField<unknown, Context>[] {
  const named = schema.getType(type);
  return isObjectType(named) ? Object.values(named.getFields()).sort((a, b) => (a.name < b.name ? -1 : 1)) : [];
}

function rolesWith(permission: Permission): string[] {
  return ROLES.map((role) => (may({ roles: [role], markets: [], feeds: [], accounts: [] }, permission) ? '✓' : ''));
}

/** Aligned, as Markdown is formatted here. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const widths = head.map((_, place) => Math.max(3, ...[head, ...rows].map((cells) => cells[place]?.length ?? 0)));
  const line = (cells: readonly string[], fill: string) =>
    `| ${widths.map((width, place) => (cells[place] ?? '').padEnd(width, fill)).join(' | ')} |`;
  return [line(head, ' '), line([], '-'), ...rows.map((cells) => line(cells, ' '))].join('\n');
}
