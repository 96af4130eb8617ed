import { EventEmitter } from 'node:events';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { BusbarError } from '../domain/errors.ts';
import { createLifecycle, type Lifecycle, runProgram } from './lifecycle.ts';

const log = pino({ level: 'silent' });

/** A process that records how it ends. */
function host() {
  const events = new EventEmitter();
  const said: string[] = [];
  let end: (code: number) => void = () => undefined;
  const exitCode = new Promise<number>((resolve) => {
    end = resolve;
  });
  return {
    said,
    exitCode,
    signal: (name: 'SIGINT' | 'SIGTERM') => events.emit(name),
    host: {
      on: (name: 'SIGINT' | 'SIGTERM', listener: () => void) => events.on(name, listener),
      exit: (code: number) => end(code),
      stderr: { write: (text: string) => said.push(text) },
    },
  };
}

const part = (name: string, happened: string[]) =>
  [name, async () => void happened.push(`+${name}`), async () => void happened.push(`-${name}`)] as const;

test('parts stop in the reverse order of their start', async () => {
  const happened: string[] = [];
  const lifecycle = createLifecycle(log);
  await lifecycle.start(...part('store', happened));
  await lifecycle.start(...part('gateway', happened));
  await lifecycle.stop();
  expect(happened).toEqual(['+store', '+gateway', '-gateway', '-store']);
});

test('a part that fails to stop does not keep the others open', async () => {
  const happened: string[] = [];
  const lifecycle = createLifecycle(log);
  await lifecycle.start(...part('store', happened));
  await lifecycle.start(
    'broken',
    () => undefined,
    () => Promise.reject(new Error('stuck')),
  );
  await lifecycle.stop();
  expect(happened).toEqual(['+store', '-store']);
});

test('a part that finishes opening after the stop is closed and the start gives up', async () => {
  const happened: string[] = [];
  const lifecycle = createLifecycle(log);
  const starting = lifecycle.start(...part('late', happened));
  await lifecycle.stop();
  await expect(starting).rejects.toThrow('told to stop');
  expect(happened).toEqual(['+late', '-late']);
});

test('a wrong configuration ends with code 2 and its whole list on standard error', async () => {
  const { host: fake, exitCode, said } = host();
  await runProgram(() => {
    throw new BusbarError('CONFIG_INVALID', 'the configuration has 2 problem(s):\n  PORT: bad\n  HOST: bad');
  }, fake);
  expect(await exitCode).toBe(2);
  expect(said.join('')).toContain('PORT: bad\n  HOST: bad');
});

test('a start that fails stops what was started and ends with code 1', async () => {
  const happened: string[] = [];
  const { host: fake, exitCode } = host();
  const start = async (lifecycle: Lifecycle) => {
    await lifecycle.start(...part('store', happened));
    throw new Error('no port');
  };
  await runProgram(() => ({ log, start }), fake);
  expect(await exitCode).toBe(1);
  expect(happened).toEqual(['+store', '-store']);
});

test('a signal stops the parts and ends with code 0', async () => {
  const happened: string[] = [];
  const { host: fake, exitCode, signal } = host();
  await runProgram(() => ({ log, start: async (it) => void (await it.start(...part('store', happened))) }), fake);
  signal('SIGTERM');
  expect(await exitCode).toBe(0);
  expect(happened).toEqual(['+store', '-store']);
});

test('a stop that takes too long ends with code 1', async () => {
  const { host: fake, exitCode, signal } = host();
  const never = () => new Promise<void>(() => undefined);
  const start = async (it: Lifecycle) => void (await it.start('stuck', () => undefined, never));
  await runProgram(() => ({ log, start, stopMsMax: 5 }), fake);
  signal('SIGINT');
  expect(await exitCode).toBe(1);
});

test('a second signal ends the process at once', async () => {
  const { host: fake, exitCode, signal } = host();
  const never = () => new Promise<void>(() => undefined);
  const start = async (it: Lifecycle) => void (await it.start('stuck', () => undefined, never));
  await runProgram(() => ({ log, start, stopMsMax: 600_000, samePressMs: 0 }), fake);
  signal('SIGINT');
  signal('SIGINT');
  expect(await exitCode).toBe(1);
});

test('one key press that arrives twice still stops the parts', async () => {
  const happened: string[] = [];
  const { host: fake, exitCode, signal } = host();
  await runProgram(() => ({ log, start: async (it) => void (await it.start(...part('store', happened))) }), fake);
  signal('SIGINT');
  signal('SIGINT');
  expect(await exitCode).toBe(0);
  expect(happened).toEqual(['+store', '-store']);
});
