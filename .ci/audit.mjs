// Reads what `npm audit --json` says from standard input, and fails on high and critical advisories that are not known exceptions
// (audit-exceptions.json), and on exceptions that have run out. Where the registry has no audit there is nothing to judge by.
import { readFileSync } from 'node:fs';

const LEVELS = new Set(['high', 'critical']);

const exceptionsFile = process.argv[2] ?? new URL('audit-exceptions.json', import.meta.url);
const { exceptions } = JSON.parse(readFileSync(exceptionsFile, 'utf8'));
const report = parsed(readFileSync(0, 'utf8'));

if (report?.vulnerabilities === undefined) {
  console.log(`dependency audit: not done, the registry has none (${report?.message ?? 'no answer'})`);
} else {
  const today = new Date().toISOString().slice(0, 10);
  const found = advisories(report.vulnerabilities);
  const standing = new Set(exceptions.filter(({ until }) => until >= today).map(({ advisory }) => advisory));
  const unknown = [...found].filter(([advisory]) => !standing.has(advisory));
  for (const [advisory, title] of unknown) console.error(`dependency audit: ${advisory} ${title}`);
  console.log(
    `dependency audit: ${found.size} high or critical, ${found.size - unknown.length} of them known exceptions`,
  );
  if (unknown.length > 0) process.exitCode = 1;
}

/** Titles by advisory: `GHSA-…`. */
function advisories(vulnerabilities) {
  const causes = Object.values(vulnerabilities).flatMap(({ via }) => via.filter((each) => typeof each === 'object'));
  return new Map(
    causes
      .filter(({ severity }) => LEVELS.has(severity))
      .map(({ url, name, title }) => [url.split('/').at(-1), `${name}: ${title}`]),
  );
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
