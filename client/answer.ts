import { type AnsweredError, RequestError, requestErrorFrom } from './request-error.ts';

/**
 * The data of a GraphQL answer. Part of an answer is no answer: a null would read as "there is no price", so any error
 * fails the whole; `RequestError.data` keeps what came.
 * @throws RequestError
 */
export function dataOf(answer: unknown): Readonly<Record<string, unknown>> {
  if (!isObject(answer)) throw malformed();
  const errors = Array.isArray(answer.errors) ? answer.errors.filter(isAnsweredError) : [];
  if (errors.length > 0) throw requestErrorFrom(errors, answer.data);
  if (!isObject(answer.data)) throw malformed();
  return answer.data;
}

export function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function isAnsweredError(value: unknown): value is AnsweredError {
  return isObject(value) && typeof value.message === 'string';
}

function malformed(): RequestError {
  return new RequestError('MALFORMED', 'the answer is not GraphQL');
}
