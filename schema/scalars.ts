import { GraphQLError, Kind } from 'graphql';
import { isoFromInstant, parseInstant } from '../domain/instant.ts';
import { type Decimal, parseDecimal } from '../domain/money.ts';
import { builder } from './builder.ts';

builder.scalarType('DateTime', {
  description:
    'An instant as ISO 8601 text. Answers are UTC with milliseconds (`2024-07-04T17:05:00.000Z`). Arguments must carry their zone (`Z` or an offset such as `-05:00`): a time without one is refused, not guessed.',
  serialize: isoFromInstant,
  parseValue: (value) => {
    const instant = typeof value === 'string' ? parseInstant(value) : undefined;
    if (instant === undefined) {
      throw badScalar(`not an ISO 8601 instant with a zone, such as 2024-07-04T17:05:00Z: ${shown(value)}`);
    }
    return instant;
  },
});

builder.scalarType('Long', {
  description:
    'A whole number up to 2^53 − 1, written as a JSON number: log offsets, byte counts, instants in milliseconds.',
  serialize: (value) => wholeNumber(value),
  parseValue: (value) => wholeNumber(value),
});

builder.scalarType('Decimal', {
  description:
    'An exact decimal number as text, without exponent and without trailing zeros (`"-1234.5678901234"`): money that sums without drift. Arguments are text or numbers; a number in JSON is taken as it is written.',
  serialize: String,
  parseValue: decimal,
  // A literal has more digits than the double that it would be taken for.
  parseLiteral: (node) =>
    node.kind === Kind.STRING || node.kind === Kind.INT || node.kind === Kind.FLOAT
      ? decimal(node.value)
      : decimal(node.kind),
});

function decimal(value: unknown): Decimal {
  const parsed = typeof value === 'string' || typeof value === 'number' ? parseDecimal(value) : undefined;
  if (!parsed) throw badScalar(`not a decimal number, such as "12.5": ${shown(value)}`);
  return parsed;
}

function wholeNumber(value: unknown): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value)) {
    throw badScalar(`not a whole number within 2^53 − 1: ${shown(value)}`);
  }
  return value;
}

/** GraphQL itself catches what a scalar throws and says where in the request it stands. */
function badScalar(message: string): GraphQLError {
  return new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });
}

/** A megabyte of text sent as a date must not come back as a megabyte of error. */
function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length <= 60 ? text : `${text.slice(0, 60)}…`;
}
