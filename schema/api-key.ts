import { z } from 'zod';
import type { ApiKey as ApiKeyRow, NewApiKey as NewApiKeyRow } from '../domain/api-key.ts';
import { BusbarError } from '../domain/errors.ts';
import { HOUR_MS } from '../domain/instant.ts';
import { type Rights, ROLE_PERMISSIONS, type Role as RoleOf, type Scope as ScopeOf } from '../domain/rights.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { Asker } from './context.ts';
import { cursorCodec } from './cursor.ts';

const opening = (role: RoleOf) => ({ description: `Opens ${ROLE_PERMISSIONS[role].join(', ')}.` });

const Role = builder.enumType('Role', {
  description: 'What somebody may do, whatever of: the scopes say of what.',
  values: {
    VIEWER: opening('VIEWER'),
    ANALYST: opening('ANALYST'),
    TRADER: opening('TRADER'),
    OPERATOR: opening('OPERATOR'),
    ADMIN: opening('ADMIN'),
  } satisfies Record<RoleOf, object>,
});

const Scope = builder.objectRef<ScopeOf>('Scope').implement({
  description: 'Of what a right is.',
  fields: (t) => ({
    all: t.boolean({
      description: 'Of everything of the kind, also of what is still to come.',
      resolve: (scope) => scope === 'ALL',
    }),
    ids: t.idList({
      description: 'Of these; empty where it is of everything.',
      resolve: (scope) => (scope === 'ALL' ? [] : [...scope]),
    }),
  }),
});

const RightsOf = builder.objectRef<Rights>('Rights').implement({
  description: 'What somebody may do: a role has to allow it, and every scope that it concerns.',
  fields: (t) => ({
    roles: t.field({ type: [Role], description: 'The roles.', resolve: ({ roles }) => [...roles] }),
    markets: t.expose('markets', { type: Scope, description: 'Markets whose facts are shown.' }),
    feeds: t.expose('feeds', { type: Scope, description: 'Feeds that are shown and operated.' }),
    accounts: t.expose('accounts', { type: Scope, description: 'Accounts whose trades and PnL are shown.' }),
  }),
});

const Me = builder.objectRef<Asker & { readonly rights: Rights }>('Me').implement({
  description: 'Who asks, as the credential of the request says.',
  fields: (t) => ({
    subject: t.exposeString('subject', {
      description: '`key:<prefix>` of an API key, `oidc:<sub>` of a token, `open` where nobody is asked.',
    }),
    name: t.exposeString('name', { description: 'The name of the key or token, for people.' }),
    rights: t.expose('rights', { type: RightsOf, description: 'What it may do.' }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When the credential ends by itself; null: it does not.',
      resolve: ({ expiresAt }) => expiresAt,
    }),
  }),
});

builder.queryField('me', (t) =>
  t.field({
    type: Me,
    // Every role has it.
    authScopes: { may: 'PRICES' },
    description: 'Who asks, and with which rights.',
    resolve: (_root, _args, { operations: { by }, rights }) => ({ ...by, rights }),
  }),
);

const ApiKey = builder.objectRef<ApiKeyRow>('ApiKey').implement({
  description: 'An API key without its secret, which nobody but its holder has.',
  fields: (t) => ({
    id: t.exposeID('prefix', { description: 'The prefix: the key is `bb_<id>_<secret>`.' }),
    name: t.exposeString('name', { description: 'Whose it is, or what for.' }),
    rights: t.expose('rights', { type: RightsOf, description: 'What its holder may do.' }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    createdBy: t.exposeString('createdBy', { description: 'Who made it.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it ends by itself; null: it does not.',
    }),
    revokedAt: t.expose('revokedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was revoked; null: it was not.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was used last, to about a minute; null: never.',
    }),
    replaces: t.exposeID('replaces', {
      nullable: true,
      description: 'Id of the key that it took over from, where it was made by `rotateApiKey`.',
    }),
  }),
});

const NewApiKey = builder.objectRef<NewApiKeyRow>('NewApiKey').implement({
  description: 'An API key that was made just now.',
  fields: (t) => ({
    key: t.expose('key', { type: ApiKey, description: 'The key without its secret.' }),
    secret: t.exposeString('secret', {
      description:
        'The whole key, as it is sent: `Authorization: Bearer <secret>`. It is shown here and never again: the store has a hash of it.',
    }),
  }),
});

const ApiKeyConnection = builder.connectionObject(
  { type: ApiKey, name: 'ApiKeyConnection', description: 'A page of API keys, the newest first.' },
  { name: 'ApiKeyEdge', description: 'An API key and its place among the others.' },
);

/** The id of the last key seen. */
const CURSOR = cursorCodec('apiKeys', z.number().int());

builder.queryField('apiKeys', (t) =>
  t.field({
    type: ApiKeyConnection,
    authScopes: { may: 'ADMINISTER' },
    description:
      'API keys, also those that have ended, the newest first; of whoever may not see every market, feed and account, those that reach no further.',
    args: pageArguments,
    resolve: async (_root, page, { reads }) => {
      const asked = pageFrom(page, CURSOR);
      return connectionFrom(await reads.apiKeys(asked), asked, ({ id }) => CURSOR.encode(id));
    },
  }),
);

const ScopeInput = builder.inputType('ScopeInput', {
  description: 'Of what a right is to be: of everything, or of what is named. Empty: of nothing.',
  fields: (t) => ({
    all: t.boolean({ description: 'True: of everything, also of what is still to come.' }),
    ids: t.idList({ description: 'Of these; not together with `all`.' }),
  }),
});

const CreateApiKeyInput = builder.inputType('CreateApiKeyInput', {
  description: 'The key that is to be made. It cannot have more rights than whoever makes it.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'Whose it is, or what for: 1 to 100 characters.' }),
    roles: t.field({ type: [Role], required: true, description: 'One or more.' }),
    markets: t.field({ type: ScopeInput, description: 'Markets whose facts it shows; without it, none.' }),
    feeds: t.field({ type: ScopeInput, description: 'Feeds that it shows and operates; without it, none.' }),
    accounts: t.field({ type: ScopeInput, description: 'Accounts whose trades and PnL it shows; without it, none.' }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it ends by itself; without it, never.' }),
  }),
});

builder.mutationField('createApiKey', (t) =>
  t.field({
    type: NewApiKey,
    authScopes: { may: 'ADMINISTER' },
    description: 'Makes an API key. Its secret is in the answer and nowhere else.',
    args: { input: t.arg({ type: CreateApiKeyInput, required: true, description: 'The key.' }) },
    resolve: (_root, { input: { name, roles, markets, feeds, accounts, expiresAt } }, { operations }) =>
      operations.createApiKey({
        name,
        rights: {
          roles: [...new Set(roles)],
          markets: scopeFrom('markets', markets),
          feeds: scopeFrom('feeds', feeds),
          accounts: scopeFrom('accounts', accounts),
        },
        expiresAt: expiresAt ?? undefined,
      }),
  }),
);

const OVERLAP_HOURS = 24;

builder.mutationField('rotateApiKey', (t) =>
  t.field({
    type: NewApiKey,
    authScopes: { may: 'ADMINISTER' },
    description:
      'Makes a key with the same name, rights and length of life, and ends the one so far after an overlap, in which both are good. A key that reaches further than whoever asks is FORBIDDEN.',
    args: {
      id: t.arg.id({ required: true, description: 'The prefix of the key so far.' }),
      overlapHours: t.arg.float({
        defaultValue: OVERLAP_HOURS,
        description: 'How long the one so far goes on: 0 to 720 hours.',
      }),
    },
    resolve: (_root, { id, overlapHours }, { operations }) =>
      operations.rotateApiKey({ prefix: id, overlapMs: Math.round((overlapHours ?? OVERLAP_HOURS) * HOUR_MS) }),
  }),
);

builder.mutationField('revokeApiKey', (t) =>
  t.field({
    type: ApiKey,
    authScopes: { may: 'ADMINISTER' },
    description:
      'Ends a key for good: within seconds nobody gets in with it, and open sockets are closed. A key that reaches further than whoever asks is FORBIDDEN.',
    args: { id: t.arg.id({ required: true, description: 'The prefix of the key.' }) },
    resolve: (_root, { id }, { operations }) => operations.revokeApiKey(id),
  }),
);

interface ScopeSent {
  readonly all?: boolean | null | undefined;
  readonly ids?: readonly string[] | null | undefined;
}

function scopeFrom(kind: string, sent: ScopeSent | null | undefined): ScopeOf {
  if (!sent?.all) return [...new Set(sent?.ids ?? [])];
  if (sent.ids) throw new BusbarError('BAD_USER_INPUT', `\`${kind}\` is either of all or of ids, not both`);
  return 'ALL';
}
