import { auditServer } from 'graphql-http';
import { expect, test } from 'vitest';
import { startGateway } from './support/gateway.ts';

const NEVER_ASKED = { query: () => Promise.reject(new Error('the audits ask nothing of the store')) };
const HOT = { db: NEVER_ASKED, rollups: () => Promise.resolve('computed' as const), clock: Date.now };

test.each([
  ['the ordinary way', {}],
  ['the plans of hot queries', { hot: HOT }],
])('the endpoint passes every audit of GraphQL over HTTP by %s', async (_way, options) => {
  const gateway = await startGateway(options);
  try {
    const results = await auditServer({ url: gateway.url });
    const failed = results.filter(({ status }) => status !== 'ok');
    expect(failed.map(({ name, status }) => `${status}: ${name}`)).toEqual([]);
    expect(results).toHaveLength(61);
  } finally {
    await gateway.close();
  }
});
