import { inspect } from 'node:util';
import { expect, test } from 'vitest';
import { Secret } from './secret.ts';

test('a secret shows itself to whoever asks for it by name, and to nobody else', () => {
  const secret = new Secret('hush');
  expect(secret.reveal()).toBe('hush');
  const shown = [String(secret), `${secret}`, JSON.stringify({ secret }), inspect({ secret }, { showHidden: true })];
  expect(shown.join()).not.toContain('hush');
});
