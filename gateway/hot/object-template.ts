import type { Selected } from './selection.ts';

/** One value of a row as JSON. */
export type Write = (row: number) => string;

/** What is known of a field before anything is read; made once for a selection, filled for each answer. */
export type Template<Source> = (source: Source) => Write;

/** The templates of an object's fields, by name; undefined below one: it is not hot with what is selected there. */
export type FieldTemplates<Source> = Readonly<Record<string, (selected: Selected) => Template<Source> | undefined>>;

/** @returns undefined where a field is not among the templates. */
export function objectTemplate<Source>(
  type: string,
  selected: readonly Selected[] | undefined,
  fields: FieldTemplates<Source>,
): Template<Source> | undefined {
  const parts: Template<Source>[] = [];
  for (const each of selected ?? []) {
    const part = each.name === '__typename' ? constant(JSON.stringify(type)) : ownTemplate(fields, each.name)?.(each);
    if (!part) return undefined;
    parts.push(part);
  }
  if (!selected) return undefined;
  const before = selected.map(({ key }, place) => `${place === 0 ? '{' : ','}"${key}":`);
  if (parts.length === 0) return constant('{}');
  return (source) => {
    const writes = parts.map((part) => part(source));
    return (row) => {
      let json = '';
      for (let place = 0; place < writes.length; place++) json += `${before[place]}${writes[place]?.(row)}`;
      return `${json}}`;
    };
  };
}

export function constant(json: string): Template<unknown> {
  return () => () => json;
}

/** A list of all rows. @param rows how many. */
export function listJson(rows: number, write: Write): string {
  let json = '[';
  for (let row = 0; row < rows; row++) json += row === 0 ? write(row) : `,${write(row)}`;
  return `${json}]`;
}

function ownTemplate<Source>(fields: FieldTemplates<Source>, name: string) {
  return Object.hasOwn(fields, name) ? fields[name] : undefined;
}
