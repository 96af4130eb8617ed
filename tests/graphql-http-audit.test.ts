import { auditServer } from 'graphql-http';
import { expect, test } from 'vitest';
import { startGateway } from './support/gateway.ts';

test('the endpoint passes every audit of GraphQL over HTTP', async () => {
  const gateway = await startGateway();
  try {
    const results = await auditServer({ url: gateway.url });
    const failed = results.filter(({ status }) => status !== 'ok');
    expect(failed.map(({ name, status }) => `${status}: ${name}`)).toEqual([]);
    expect(results).toHaveLength(61);
  } finally {
    await gateway.close();
  }
});
