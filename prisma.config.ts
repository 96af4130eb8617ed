import { defineConfig } from 'prisma/config';

// `prisma generate` insists on a schema engine although it never runs it, and the engine's download site is not
// reachable everywhere. Any existing file satisfies it; migrations run on the WASM engine (prisma/migrate.ts).
process.env.PRISMA_SCHEMA_ENGINE_BINARY ??= process.execPath;

export default defineConfig({ schema: 'prisma/schema.prisma', migrations: { path: 'prisma/migrations' } });
