import type { IncomingMessage } from 'node:http';

/** A request as most clients send it; the ordinary way knows all others, and says what is wrong with one. */
export interface HotRequest {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly variables: Readonly<Record<string, unknown>>;
  /** Of the answer. */
  readonly mediaType: (typeof MEDIA_TYPES)[number];
}

const MEDIA_TYPES = ['application/graphql-response+json', 'application/json'] as const;
/** Longer ones are read once, the ordinary way: a thousand nodes for each of some fields are shorter. */
const BODY_CHARACTERS_MAX = 250_000;
const PARAMETERS: ReadonlySet<string> = new Set(['query', 'operationName', 'variables', 'extensions']);

/** @returns undefined where a request is anything but sound JSON by POST, or sound parameters by GET. */
export function hotRequestFrom({ method, url, headers }: IncomingMessage, body: string): HotRequest | undefined {
  const mediaType = acceptedMediaType(headers.accept);
  if (!mediaType) return undefined;
  if (method === 'POST' && isJson(headers['content-type'])) {
    return body.length > BODY_CHARACTERS_MAX ? undefined : requestFrom(jsonFrom(body), mediaType);
  }
  if (method !== 'GET') return undefined;
  return requestFrom(parametersFrom(url ?? ''), mediaType);
}

/** The first type that is accepted and can be answered; where all are, the plain one. */
function acceptedMediaType(accept = '*/*'): HotRequest['mediaType'] | undefined {
  for (const range of accept.replace(/\s/g, '').toLowerCase().split(',')) {
    const [type = '', ...parameters] = range.split(';');
    const charset = parameters.find((each) => each.includes('charset='));
    if (charset !== undefined && charset !== 'charset=utf-8') continue;
    const accepted = MEDIA_TYPES.findLast((each) => type === each || type === '*/*' || type === 'application/*');
    if (accepted) return accepted;
  }
  return undefined;
}

function isJson(contentType: string | undefined): boolean {
  return contentType === 'application/json' || contentType?.startsWith('application/json;') === true;
}

function requestFrom(given: unknown, mediaType: HotRequest['mediaType']): HotRequest | undefined {
  if (!isRecord(given) || !Object.keys(given).every((name) => PARAMETERS.has(name))) return undefined;
  const { query, operationName = null, variables = null, extensions = null } = given;
  if (typeof query !== 'string' || !(operationName === null || typeof operationName === 'string')) return undefined;
  if (!(variables === null || isRecord(variables)) || !(extensions === null || isRecord(extensions))) return undefined;
  return { query, operationName: operationName ?? undefined, variables: variables ?? {}, mediaType };
}

function parametersFrom(url: string): unknown {
  const parameters = new URLSearchParams(url.slice(url.indexOf('?') + 1));
  const query = parameters.get('query');
  const operationName = parameters.get('operationName') || null;
  const variables = jsonFrom(parameters.get('variables') || 'null');
  const extensions = jsonFrom(parameters.get('extensions') || 'null');
  // Only JSON that cannot be read is undefined.
  const isSound = variables !== undefined && extensions !== undefined;
  return isSound ? { query, operationName, variables, extensions } : undefined;
}

function jsonFrom(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
