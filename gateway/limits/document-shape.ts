import {
  type DefinitionNode,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  Kind,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import { beyondLimit } from './beyond-limit.ts';
import type { DocumentLimits } from './request-limits.ts';

/** What is counted while a text is read, before there is a document. */
type TextLimit = 'characters' | 'lines' | 'tokens';

/** How large a document is, whatever the schema says of it. Of its definitions the largest counts. */
export interface DocumentShape extends Omit<DocumentLimits, TextLimit> {
  /** Whether it asks what the schema has. */
  readonly introspects: boolean;
}

/**
 * Measures a document before it is validated. Each fragment is measured once, however often it is used, and one that uses itself
 * counts as nothing there: validation refuses it.
 * @param fieldsMax beyond it nothing is spread out to see what comes together: `repeats` is then 0.
 */
export function shapeOf(document: DocumentNode, fieldsMax: number): DocumentShape {
  const fragments = fragmentsOf(document);
  const counts = document.definitions.flatMap(createCounter(fragments));
  const most = (of: keyof Counts) => Math.max(0, ...counts.map((each) => each[of]));
  const fields = most('fields');
  return {
    definitions: document.definitions.length,
    depth: most('depth'),
    introspectionDepth: most('introspectionDepth'),
    fields,
    rootFields: most('rootFields'),
    aliases: most('aliases'),
    directives: most('directives'),
    repeats: fields > fieldsMax ? 0 : repeatsOf(document, fragments, fieldsMax),
    introspects: most('introspectionDepth') > 0,
  };
}

const ADVICE: Readonly<Record<keyof DocumentLimits, string>> = {
  characters: 'ask in several requests, and hand over lists as variables',
  lines: 'ask in several requests, and hand over lists as variables',
  tokens: 'ask in several requests, and hand over lists as variables',
  definitions: 'send operations apart',
  depth: 'ask in several requests',
  introspectionDepth: 'ask in several requests',
  fields: 'ask in several requests',
  rootFields: 'ask in several requests',
  aliases: 'ask in several requests, or of several nodes by one field',
  directives: 'ask in several requests',
  repeats: 'select each field of a place once',
};

/** @throws BusbarError `LIMIT_EXCEEDED` that names the first limit, and how much of it was asked for. */
export function requireShape(shape: DocumentShape, limits: DocumentLimits): void {
  const { characters: _, lines: __, tokens: ___, ...measured } = limits;
  for (const limit of Object.keys(measured) as (keyof typeof measured)[]) {
    if (shape[limit] > limits[limit]) throw beyondLimit(limit, limits[limit], shape[limit], ADVICE[limit]);
  }
}

/** @throws BusbarError `LIMIT_EXCEEDED`, before a text is read. */
export function requireShort(text: string, limits: DocumentLimits): void {
  const { characters, lines } = limits;
  if (text.length > characters) throw beyondLimit('characters', characters, text.length, ADVICE.characters);
  const asked = linesOf(text);
  if (asked > lines) throw beyondLimit('lines', lines, asked, ADVICE.lines);
}

/** As the parser counts them. */
function linesOf(text: string): number {
  let lines = 1;
  for (const _ of text.matchAll(/\r\n|[\n\r]/g)) lines++;
  return lines;
}

/** @throws BusbarError `LIMIT_EXCEEDED`: of a text that was not read to its end. */
export function beyondTokens({ tokens }: DocumentLimits): Error {
  return beyondLimit('tokens', tokens, undefined, ADVICE.tokens);
}

/** @throws BusbarError `LIMIT_EXCEEDED`: of a text that is too deep to be read at all. */
export function beyondDepth({ depth }: DocumentLimits): Error {
  return beyondLimit('depth', depth, undefined, ADVICE.depth);
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function fragmentsOf({ definitions }: DocumentNode): Fragments {
  const fragments = definitions.filter((each) => each.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((each) => [each.name.value, each]));
}

type Counts = Pick<DocumentShape, 'depth' | 'introspectionDepth' | 'fields' | 'rootFields' | 'aliases' | 'directives'>;

const NOTHING: Counts = { depth: 0, introspectionDepth: 0, fields: 0, rootFields: 0, aliases: 0, directives: 0 };

/** @returns what counts a definition, with its fragments in their places. */
function createCounter(fragments: Fragments): (definition: DefinitionNode) => Counts[] {
  const known = new Map<string, Counts>();

  const ofSet = (set: SelectionSetNode | undefined): Counts =>
    (set?.selections ?? []).map(ofSelection).reduce(both, NOTHING);

  const ofSelection = (selection: SelectionNode): Counts => {
    if (selection.kind === Kind.FIELD) return ofField(selection, ofSet(selection.selectionSet));
    const below =
      selection.kind === Kind.INLINE_FRAGMENT ? ofSet(selection.selectionSet) : ofFragment(selection.name.value);
    return { ...below, directives: below.directives + directivesOf(selection) };
  };

  const ofFragment = (name: string): Counts => {
    const counted = known.get(name);
    if (counted) return counted;
    known.set(name, NOTHING);
    const counts = ofSet(fragments.get(name)?.selectionSet);
    known.set(name, counts);
    return counts;
  };

  return (definition) => {
    if (definition.kind === Kind.OPERATION_DEFINITION) {
      const counts = ofSet(definition.selectionSet);
      return [{ ...counts, directives: counts.directives + directivesOfOperation(definition) }];
    }
    if (definition.kind !== Kind.FRAGMENT_DEFINITION) return [];
    const counts = ofFragment(definition.name.value);
    // Of the schema's own types: it is as deep in introspection as it is.
    const isOfSchema = definition.typeCondition.name.value.startsWith('__');
    const depths = isOfSchema ? { depth: 0, introspectionDepth: counts.depth } : {};
    return [{ ...counts, rootFields: 0, ...depths, directives: counts.directives + directivesOf(definition) }];
  };
}

function ofField(field: FieldNode, below: Counts): Counts {
  const isOfSchema = field.name.value === '__schema' || field.name.value === '__type';
  return {
    depth: isOfSchema ? 1 : below.depth + 1,
    introspectionDepth: isOfSchema ? below.depth + 1 : below.introspectionDepth,
    fields: below.fields + 1,
    rootFields: 1,
    aliases: below.aliases + (field.alias ? 1 : 0),
    directives: below.directives + directivesOf(field),
  };
}

function both(a: Counts, b: Counts): Counts {
  return {
    depth: Math.max(a.depth, b.depth),
    introspectionDepth: Math.max(a.introspectionDepth, b.introspectionDepth),
    fields: a.fields + b.fields,
    rootFields: a.rootFields + b.rootFields,
    aliases: a.aliases + b.aliases,
    directives: a.directives + b.directives,
  };
}

function directivesOf({ directives }: { readonly directives?: readonly unknown[] | undefined }): number {
  return directives?.length ?? 0;
}

function directivesOfOperation({ directives, variableDefinitions = [] }: OperationDefinitionNode): number {
  return variableDefinitions.reduce((sum, each) => sum + directivesOf(each), directivesOf({ directives }));
}

/** A set of fields, and the fragments that it lies in. */
interface Nested {
  readonly set: SelectionSetNode;
  readonly within: readonly string[];
}

/** How often the most repeated place of the answer is selected, with all fragments in their places. */
function repeatsOf(document: DocumentNode, fragments: Fragments, fieldsMax: number): number {
  const budget = { selections: fieldsMax * SELECTIONS_PER_FIELD };
  const mostOf = (sets: readonly Nested[]): number => {
    const places = new Map<string, Nested[]>();
    const counts = new Map<string, number>();
    for (const each of sets) collect(each, fragments, budget, places, counts);
    return Math.max(0, ...counts.values(), ...[...places.values()].map(mostOf));
  };
  const sets = document.definitions.flatMap((each) =>
    'selectionSet' in each && each.selectionSet ? [each.selectionSet] : [],
  );
  return Math.max(
    0,
    ...sets.map((set) => {
      budget.selections = fieldsMax * SELECTIONS_PER_FIELD;
      const most = mostOf([{ set, within: [] }]);
      return budget.selections > 0 ? most : Number.POSITIVE_INFINITY;
    }),
  );
}

/**
 * Spreads of fragments may be more than the fields in them; and of fragments that use themselves, which counted as nothing, there may be
 * more than anybody could write down.
 */
const SELECTIONS_PER_FIELD = 8;

function collect(
  { set, within }: Nested,
  fragments: Fragments,
  budget: { selections: number },
  places: Map<string, Nested[]>,
  counts: Map<string, number>,
): void {
  for (const selection of set.selections) {
    if (budget.selections-- <= 0) return;
    if (selection.kind === Kind.FIELD) {
      const key = selection.alias?.value ?? selection.name.value;
      counts.set(key, (counts.get(key) ?? 0) + 1);
      if (!selection.selectionSet) continue;
      const nested = { set: selection.selectionSet, within };
      const known = places.get(key);
      if (known) known.push(nested);
      else places.set(key, [nested]);
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      collect({ set: selection.selectionSet, within }, fragments, budget, places, counts);
    } else {
      const name = selection.name.value;
      const fragment = fragments.get(name);
      if (!fragment || within.includes(name)) continue;
      collect({ set: fragment.selectionSet, within: [...within, name] }, fragments, budget, places, counts);
    }
  }
}
