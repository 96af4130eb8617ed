import { z } from 'zod';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import type { AuditRow } from './context.ts';
import { cursorCodec } from './cursor.ts';
import { Job } from './job.ts';

const AuditVia = builder.enumType('AuditVia', {
  description: 'By which door something was asked for.',
  values: {
    GRAPHQL: { value: 'graphql', description: 'GraphQL, over HTTP or a socket.' },
    EXPORT: { value: 'export', description: 'An export.' },
    CLI: { value: 'cli', description: 'The command line.' },
  } as const,
});

const AuditOutcome = builder.enumType('AuditOutcome', {
  description: 'What became of what was asked for.',
  values: {
    BEGUN: {
      description:
        'It takes long and was begun: an entry with its end follows. Where none does, the process died on the way.',
    },
    DONE: { description: 'It was made.' },
    REFUSED: { description: 'It was not made, because it made no sense, or was too much at that moment.' },
    FAILED: { description: 'It was not made, because something broke.' },
    DENIED: { description: 'It is not for whoever asked: without a credential that is good, or beyond its rights.' },
  } as const,
});

const AuditEntry = builder.objectRef<AuditRow>('AuditEntry').implement({
  description:
    'Who asked for what with what outcome: changes, exports, and access that was denied. Entries are never changed; they are kept for `AUDIT_DAYS`.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Grows with every entry.' }),
    at: t.expose('at', { type: 'DateTime', description: 'When it was asked for.' }),
    actor: t.exposeString('actor', {
      description:
        'Who asked: the name of the key or token, `user@host` at a shell, `anonymous` where the gateway is open.',
    }),
    subject: t.exposeString('subject', {
      nullable: true,
      description: 'The credential: `key:<prefix>` or `oidc:<sub>`; null at a shell.',
    }),
    address: t.exposeString('address', {
      nullable: true,
      description: 'The IP address it came from; null at a shell.',
    }),
    via: t.expose('via', { type: AuditVia, description: 'By which door.' }),
    action: t.exposeString('action', {
      description:
        'The mutation’s name, or the command; `export`; `access` where something was denied, be it a mutation.',
    }),
    input: t.exposeString('input', {
      description:
        'What was asked for, as JSON; long lists and texts of what was not done, and of exports, are cut. What came again and again is one entry with `times`.',
    }),
    outcome: t.expose('outcome', { type: AuditOutcome, description: 'What became of it.' }),
    error: t.exposeString('error', {
      nullable: true,
      description: 'Why it was refused or failed; null where it was done.',
    }),
    job: t.field({
      type: Job,
      nullable: true,
      authScopes: { may: 'FEEDS' },
      description: 'The job it asked for, or for the end of; null where there is none.',
      resolve: ({ jobId }, _args, { loaders }) => (jobId === null ? null : loaders.job.load(jobId)),
    }),
  }),
});

const AuditEntryConnection = builder.connectionObject(
  { type: AuditEntry, name: 'AuditEntryConnection', description: 'A page of the audit log, newest first.' },
  { name: 'AuditEntryEdge', description: 'An entry of the audit log and its place in it.' },
);

/** The id of the last entry seen. */
const CURSOR = cursorCodec('auditLog', z.number().int());

builder.queryField('auditLog', (t) =>
  t.field({
    type: AuditEntryConnection,
    authScopes: { may: 'ADMINISTER' },
    description:
      'Every change that was asked for, newest first: each mutation that reached its resolver, also where that refused it. `renewSession` changes nothing and is not here, unless it was denied. A request that GraphQL itself refuses (syntax, validation, types of arguments) never was a change, and is not here.',
    args: pageArguments,
    resolve: async (_root, page, { reads }) => {
      const asked = pageFrom(page, CURSOR);
      return connectionFrom(await reads.auditLog(asked), asked, ({ id }) => CURSOR.encode(id));
    },
  }),
);
