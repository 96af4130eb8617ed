import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';

const SCRIPT = fileURLToPath(new URL('../.ci/audit.mjs', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'busbar-audit-'));
afterAll(() => rmSync(folder, { recursive: true }));

function audit(report: unknown, exceptions: readonly object[] = []) {
  const file = join(folder, 'exceptions.json');
  writeFileSync(file, JSON.stringify({ exceptions }));
  const input = typeof report === 'string' ? report : JSON.stringify(report);
  const { status, stdout, stderr } = spawnSync(process.execPath, [SCRIPT, file], { input, encoding: 'utf8' });
  return { status, text: stdout + stderr };
}

const finding = (advisory: string, severity: string) => ({
  severity,
  via: [{ name: 'dep', title: 'a hole', severity, url: `https://github.com/advisories/${advisory}` }, 'other'],
});
const known = (until: string) => ({ advisory: 'GHSA-1', reason: 'not reached', until });

test('an advisory of weight fails the audit, a light one does not', () => {
  expect(audit({ vulnerabilities: { dep: finding('GHSA-1', 'high') } })).toMatchObject({
    status: 1,
    text: expect.stringContaining('GHSA-1 dep: a hole'),
  });
  expect(audit({ vulnerabilities: { dep: finding('GHSA-1', 'moderate') } }).status).toBe(0);
});

test('an exception stands for its advisory only, and only until its day', () => {
  const report = { vulnerabilities: { dep: finding('GHSA-1', 'critical') } };
  expect(audit(report, [known('2999-01-01')]).status).toBe(0);
  expect(audit(report, [known('2020-01-01')]).status).toBe(1);
  expect(audit({ vulnerabilities: { dep: finding('GHSA-2', 'high') } }, [known('2999-01-01')]).status).toBe(1);
});

test.each([
  ['an error', { message: '405 Method Not Allowed', statusCode: 405 }],
  ['nothing', ''],
  ['no JSON', '<html>'],
])('a registry that answers %s breaks nothing, and it is said that nothing was judged', (_, report) => {
  expect(audit(report)).toMatchObject({ status: 0, text: expect.stringContaining('not done') });
});

test('every exception says why it is one and until when', () => {
  const { exceptions } = JSON.parse(readFileSync(new URL('../.ci/audit-exceptions.json', import.meta.url), 'utf8'));
  for (const each of exceptions) {
    expect(each).toEqual({
      advisory: expect.stringMatching(/^GHSA-/),
      reason: expect.stringMatching(/.{20}/),
      until: expect.stringMatching(/^\d{4}-\d\d-\d\d$/),
    });
  }
});
