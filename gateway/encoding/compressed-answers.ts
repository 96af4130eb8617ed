import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Plugin } from 'graphql-yoga';
import { codingFor, compress } from './compression.ts';

const JSON_TYPE = /^application\/(?:graphql-response\+)?json\b/;

interface NodeContext {
  readonly req: IncomingMessage;
  readonly res?: ServerResponse;
}

/** Whole answers of yoga are compressed as those of the hot lane; streams go as they come. */
export function compressAnswers(): Plugin<object, NodeContext> {
  return {
    async onResponse({ response, serverContext: { req, res }, setResponse, fetchAPI }) {
      const { status, statusText, headers } = response;
      if (!JSON_TYPE.test(headers.get('content-type') ?? '')) return;
      res?.appendHeader('vary', 'Accept, Accept-Encoding');
      const coding = codingFor(Number(headers.get('content-length')), req.headers);
      if (!coding) return;
      const body = await compress(Buffer.from(await response.text()), coding);
      const coded = { 'content-encoding': coding, 'content-length': String(body.length) };
      const sent = { status, statusText, headers: { ...Object.fromEntries(headers), ...coded } };
      setResponse(new fetchAPI.Response(new Uint8Array(body), sent));
    },
  };
}
