import { type ASTVisitor, parse, specifiedRules } from 'graphql';
import { expect, test } from 'vitest';
import { schema } from '../../schema/schema.ts';
import { createBoundedValidation } from './bounded-validation.ts';

test('a document that is sound is validated once, and any other each time', () => {
  const validation = createBoundedValidation();
  let validated = 0;
  const counting = (): ASTVisitor => {
    validated++;
    return {};
  };
  const timesOf = (text: string, errors: number) => {
    const document = parse(text);
    validated = 0;
    for (let time = 0; time < 3; time++) {
      expect(validation(schema, document, [counting, ...specifiedRules])).toHaveLength(errors);
    }
    return validated;
  };
  expect(timesOf('{ feeds { id } }', 0)).toBe(1);
  expect(timesOf('{ abc }', 1)).toBe(3);
});
