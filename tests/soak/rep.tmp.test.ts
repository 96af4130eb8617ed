import dc from 'node:diagnostics_channel';
import { it } from 'vitest';
import { appendFileSync } from 'node:fs';
import { freshDatabase } from '../support/postgres.ts';
import { runMarketHour } from './market-hour.ts';
const t0 = performance.now();
const log = (...a: unknown[]) => appendFileSync('/tmp/dc.txt', `${Math.round(performance.now() - t0)} ${a.join(' ')}\n`);
dc.subscribe('undici:client:connected', (m: any) => { m.socket.__id ??= Math.random().toString(36).slice(2, 6); log('connected', m.socket.__id, m.socket.localPort); m.socket.on('close', () => log('closed', m.socket.__id)); m.socket.on('end', () => log('end', m.socket.__id)); });
dc.subscribe('undici:client:sendHeaders', (m: any) => log('send', m.socket.__id, m.request.path.slice(-30)));
dc.subscribe('undici:request:error', (m: any) => log('error', m.request.path.slice(-30), m.error?.message));
dc.subscribe('undici:request:headers', (m: any) => log('headers', m.response.statusCode, m.request.path.slice(-30)));
it('x', { timeout: 300_000 }, async () => {
  const db = await freshDatabase();
  await runMarketHour(db.url, { from: '2026-06-02T17:30:00Z', minutes: 3, sources: ['NYISO'] });
  await db.drop();
});
