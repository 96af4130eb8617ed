import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import { codingFor } from '../encoding/compression.ts';
import { Answer } from './answer.ts';
import { ANSWERS_VARY_BY, isJsonType, isValidated, writtenAnswer } from './answer-http.ts';

interface NodeContext {
  readonly req: IncomingMessage;
  readonly res?: ServerResponse;
}

const OF_THE_BODY: ReadonlySet<string> = new Set(['content-type', 'content-length']);

/** Whole answers of yoga are sent as those of the hot lane are: compressed, and validated where a GET asks. Streams go as they come. */
export function sendOrdinaryAnswers(): Plugin<object, NodeContext> {
  return {
    async onResponse({ response, serverContext: { req, res }, setResponse, fetchAPI }) {
      const [mediaType = ''] = (response.headers.get('content-type') ?? '').split(';', 1);
      if (!isJsonType(mediaType)) return;
      res?.appendHeader('vary', ANSWERS_VARY_BY);
      const isWritten = isValidated(req, response.status) || codingFor(lengthOf(response), req.headers) !== undefined;
      if (!isWritten) return;
      const answer = new Answer(Buffer.from(await response.text()));
      const { status, headers, body } = await writtenAnswer(req, answer, mediaType, response.status);
      const kept = [...response.headers].filter(([name]) => !OF_THE_BODY.has(name.toLowerCase()));
      const init = { status, headers: { ...Object.fromEntries(kept), ...headers } };
      setResponse(new fetchAPI.Response(body ? new Uint8Array(body) : null, init));
    },
  };
}

function lengthOf({ headers }: Response): number {
  return Number(headers.get('content-length'));
}
