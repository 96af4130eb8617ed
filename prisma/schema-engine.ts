import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { PrismaPg } from '@prisma/adapter-pg';
import { bindMigrationAwareSqlAdapterFactory } from '@prisma/driver-adapter-utils';
import * as bindings from '@prisma/schema-engine-wasm/schema_engine_bg';
import { SchemaEngine } from '@prisma/schema-engine-wasm/schema_engine_bg';
import type pg from 'pg';

/**
 * Prisma's own schema engine, compiled to WASM: it applies migrations and compares schemas as the Prisma CLI does,
 * without the native binary that the CLI downloads (docs/decisions/0002).
 */
export async function createSchemaEngine(pool: pg.Pool): Promise<SchemaEngine> {
  await instantiate();
  const datamodel = await readFile(SCHEMA_FILE, 'utf8');
  return SchemaEngine.new(
    { datamodels: [['schema.prisma', datamodel]] },
    () => {},
    bindMigrationAwareSqlAdapterFactory(new WholeScriptPg(pool)),
  );
}

export const SCHEMA_FILE = new URL('./schema.prisma', import.meta.url);

/**
 * The stock adapter splits a script at every semicolon, which tears `DO $$ … $$` apart. A script goes to the server
 * as it is, in one simple query; that makes a migration atomic as well.
 */
class WholeScriptPg extends PrismaPg {
  override async connect() {
    const adapter = await super.connect();
    adapter.executeScript = async (script: string) => {
      await adapter.underlyingDriver().query(script);
    };
    return adapter;
  }
}

let instantiated: Promise<void> | undefined;

function instantiate(): Promise<void> {
  instantiated ??= (async () => {
    const script = createRequire(import.meta.url).resolve('@prisma/schema-engine-wasm/schema_engine_bg');
    const bytes = await readFile(script.replace(/\.js$/, '.wasm'));
    const { instance } = await WebAssembly.instantiate(bytes, { './schema_engine_bg.js': bindings });
    const { __wbg_set_wasm: setWasm } = bindings as unknown as { __wbg_set_wasm(exports: WebAssembly.Exports): void };
    setWasm(instance.exports);
    (instance.exports.__wbindgen_start as () => void)();
  })();
  return instantiated;
}
