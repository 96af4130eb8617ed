import { type Command, Option } from 'commander';
import { BusbarError } from '../../domain/errors.ts';
import { DAY_MS, isoFromInstant } from '../../domain/instant.ts';
import { isRole, type Rights, ROLES, type Role, type Scope } from '../../domain/rights.ts';
import { createApiKey } from '../../prisma/operations/api-keys.ts';
import { printNewKey } from './key-text.ts';
import { changing, type Invocation } from './session.ts';

const KINDS = ['markets', 'feeds', 'accounts'] as const;
type Kind = (typeof KINDS)[number];

interface CreateOptions {
  readonly name: string;
  readonly role: readonly Role[];
  readonly market?: readonly string[];
  readonly feed?: readonly string[];
  readonly account?: readonly string[];
  /** True: all kinds. */
  readonly all?: true | readonly Kind[];
  readonly days?: number;
  readonly json?: boolean;
}

export function addCreate(keys: Command, invocation: Invocation): void {
  keys
    .command('create')
    .description('makes an API key and prints it, once')
    .requiredOption('--name <name>', 'whose it is, or what for')
    .addOption(
      new Option('--role <role...>', `of ${ROLES.join(', ')}`)
        .argParser((text: string, before: readonly Role[] | undefined) => [...(before ?? []), roleFrom(text)])
        .makeOptionMandatory(),
    )
    .option('--market <id...>', 'markets whose facts it shows')
    .option('--feed <id...>', 'feeds that it shows and operates')
    .option('--account <id...>', 'accounts whose trades and PnL it shows')
    .addOption(
      new Option('--all [kind...]', 'all of a kind, also those to come; without a kind, all of all').choices(KINDS),
    )
    .addOption(new Option('--days <count>', 'ends after so many days; without it, never').argParser(daysFrom))
    .option('--json', 'print JSON and nothing else on standard output')
    .action(async ({ name, days, json, ...asked }: CreateOptions) => {
      const rights = rightsFrom(asked);
      const expiresAt = days === undefined ? undefined : invocation.now + days * DAY_MS;
      const input = { name, ...rights, expiresAt: expiresAt === undefined ? null : isoFromInstant(expiresAt) };
      const made = await changing(invocation, { action: 'createApiKey', input }, (client, keeper) =>
        createApiKey(client, { name, rights, expiresAt }, keeper),
      );
      printNewKey(made, json);
    });
}

function rightsFrom({ role, market, feed, account, all = [] }: Omit<CreateOptions, 'name'>): Rights {
  const scope = (kind: Kind, ids: readonly string[] | undefined): Scope => {
    if (all !== true && !all.includes(kind)) return ids ?? [];
    if (ids) throw new BusbarError('BAD_USER_INPUT', `either all ${kind} or some, not both`);
    return 'ALL';
  };
  return {
    roles: [...new Set(role)],
    markets: scope('markets', market),
    feeds: scope('feeds', feed),
    accounts: scope('accounts', account),
  };
}

function roleFrom(text: string): Role {
  const role = text.toUpperCase();
  if (isRole(role)) return role;
  throw new BusbarError('BAD_USER_INPUT', `there is no role "${text}"; there are ${ROLES.join(', ')}`);
}

function daysFrom(text: string): number {
  if (/^[1-9]\d{0,4}$/.test(text)) return Number(text);
  throw new BusbarError('BAD_USER_INPUT', `"${text}" is not a number of days: say a whole number from 1`);
}
