/** The `keys` command as an administrator calls it: the real program, on a store of its own. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { DAY_MS } from '../domain/instant.ts';
import { silent } from '../tests/support/live.ts';
import { freshDatabase, type TestDatabase } from '../tests/support/postgres.ts';
import { openApiKeys } from './auth/api-keys.ts';

// Each call is a process that loads all of the program.
vi.setConfig({ testTimeout: 120_000 });

let db: TestDatabase;
beforeAll(async () => {
  db = await freshDatabase();
});
afterAll(() => db.drop());

async function call(...arguments_: readonly string[]) {
  const child = spawn(process.execPath, ['--import', 'tsx', 'gateway/keys-cli.ts', ...arguments_], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, DATABASE_URL: db.url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')]);
  return { out, err, code: child.exitCode };
}

describe('keys', () => {
  it('makes, lists, rotates and revokes keys, each in the audit log without its secret', async () => {
    const created = await call('create', '--name', 'ops', '--role', 'admin', '--all', '--days', '90');
    expect(created).toMatchObject({ code: 0, err: expect.stringContaining('the only time that it is shown') });
    const [, id = ''] = created.out.match(/^bb_(\w{8})_[\w-]{43}\n$/) ?? [];
    const keys = await openApiKeys({ db: db.pool, log: silent, clock: Date.now, everyMs: 50 });
    const identity = await keys.identify(created.out.trim());
    expect(identity).toMatchObject({ name: 'ops', rights: { roles: ['ADMIN'], markets: 'ALL', accounts: 'ALL' } });
    expect((identity.expiresAt ?? 0) - Date.now()).toBeGreaterThan(89 * DAY_MS);

    const rotated = await call('rotate', id, '--overlap-hours', '2', '--json');
    const { secret, replaces, id: successor } = JSON.parse(rotated.out);
    expect(replaces).toBe(id);
    expect(await keys.identify(secret)).toMatchObject({ name: 'ops' });
    await expect
      .poll(async () => (await keys.identify(created.out.trim())).expiresAt)
      .toBeLessThan(Date.now() + DAY_MS);

    expect(await call('revoke', id)).toEqual({ code: 0, err: '', out: `API key ${id} (ops) is revoked.\n` });
    await expect.poll(() => keys.identify(created.out.trim()).catch(({ code }) => code)).toBe('UNAUTHENTICATED');
    await keys.close();

    const list = await call('list');
    expect(list.out).toMatch(new RegExp(`^id .*\\n${successor} +ops +ADMIN +all +all +all +until .*\\n$`));
    expect((await call('list', '--ended')).out).toMatch(new RegExp(`${id} .* revoked `));

    const { rows } = await db.pool.query('SELECT via, action, outcome FROM audit_entry ORDER BY id');
    expect(rows).toEqual(
      ['createApiKey', 'rotateApiKey', 'revokeApiKey'].map((action) => ({ via: 'cli', action, outcome: 'DONE' })),
    );
    const log = JSON.stringify((await db.pool.query('SELECT e::text FROM audit_entry AS e')).rows);
    for (const one of [created.out.trim(), secret]) expect(log).not.toContain(one.slice(12));
  });

  it('says in one line what is wrong with a call, with exit code 2', async () => {
    const calls = await Promise.all([
      call('creat'),
      call('create', '--name', 'x', '--role', 'root'),
      call('create', '--name', 'x', '--role', 'VIEWER', '--market', 'PJN'),
      call('revoke', 'nobodys'),
    ]);
    expect(calls.map(({ err }) => err)).toEqual([
      "keys: unknown command 'creat' (Did you mean create?)\n",
      expect.stringMatching(/^keys: there is no role "root"; there are VIEWER.*\n$/),
      expect.stringMatching(/^keys: there is no market "PJN"; there are CAISO.*\n$/),
      'keys: there is no such API key\n',
    ]);
    expect(calls.map(({ code, out }) => [code, out])).toEqual(calls.map(() => [2, '']));
  });
});
