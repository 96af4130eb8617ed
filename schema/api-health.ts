import { z } from 'zod';
import { BusbarError } from '../domain/errors.ts';
import type { CALL_OUTCOMES } from '../domain/source-call.ts';
import { builder } from './builder.ts';
import { connectionFrom, pageArguments, pageFrom } from './connection.ts';
import { cursorCodec } from './cursor.ts';
import type {
  ApiAlertRow,
  ApiHealthQuestion,
  EndpointHealthRow,
  SourceErrorRow,
  SourceHealthRow,
} from './health-rows.ts';
import { requireWithin } from './limits.ts';

const CallOutcome = builder.enumType('CallOutcome', {
  description: 'How a call to a source ended. OK and NO_DATA are answers.',
  values: {
    OK: { description: 'It brought what was asked for.' },
    NO_DATA: { description: 'The source has nothing there, or not yet, and says so.' },
    THROTTLED: { description: 'The source asks us to slow down.' },
    AUTH: { description: 'It does not know us, or no longer: key, password, token.' },
    REFUSED: { description: 'It refuses the request for another reason, a 4xx.' },
    MALFORMED: { description: 'What came is not in the format it promises.' },
    TIMEOUT: { description: 'No whole answer within the time it is given.' },
    SERVER_ERROR: { description: 'It says itself that it failed, a 5xx.' },
    NETWORK: { description: 'No connection, or one that broke.' },
  } satisfies Record<(typeof CALL_OUTCOMES)[number], { description: string }>,
});

const ApiAlertKind = builder.enumType('ApiAlertKind', {
  description: 'What is wrong with a source.',
  values: {
    DOWN: {
      description: 'The last calls of an endpoint, or of all of them, failed. No data and throttling are no failures.',
    },
    SLOW: { description: 'The slowest answers of an endpoint take far longer than is usual.' },
    AUTH: { description: 'The source refuses our credentials.' },
  } as const,
});

const ApiAlert = builder.objectRef<ApiAlertRow>('ApiAlert').implement({
  description: 'Something about a source that somebody should know, from when it was noticed to when it had passed.',
  fields: (t) => ({
    id: t.exposeID('id', { description: 'Grows with every alert.' }),
    source: t.exposeString('source', { description: 'Which source.' }),
    endpoint: t.exposeString('endpoint', { nullable: true, description: 'Which part of it; null: all of it.' }),
    kind: t.expose('kind', { type: ApiAlertKind, description: 'What is wrong.' }),
    openedAt: t.expose('openedAt', { type: 'DateTime', description: 'When it was noticed.' }),
    closedAt: t.expose('closedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it had passed; null while it lasts.',
    }),
    detail: t.exposeString('detail', { description: 'What was seen when it was noticed, for people.' }),
  }),
});

const OutcomeCount = builder.objectRef<EndpointHealthRow['outcomes'][number]>('OutcomeCount').implement({
  description: 'How often calls ended in one way.',
  fields: (t) => ({
    outcome: t.expose('outcome', { type: CallOutcome, description: 'The way.' }),
    count: t.exposeInt('count', { description: 'How often.' }),
  }),
});

/** How a percentile describes itself. */
const percentile = (percent: number) => ({
  nullable: true as const,
  description: `What ${percent} of 100 answered calls took at most, interpolated between calls, milliseconds from asking to the last byte; null where none was answered.`,
});

const EndpointHealth = builder.objectRef<EndpointHealthRow>('EndpointHealth').implement({
  description: 'How one part of a source answered within the window.',
  fields: (t) => ({
    endpoint: t.exposeString('endpoint', { description: 'What is asked: a report, a path, `login`.' }),
    calls: t.exposeInt('calls', { description: 'Calls, each try of a request.' }),
    score: t.exposeFloat('score', {
      nullable: true,
      description: 'Share of the calls that were answered, 0 to 1; null without a call.',
    }),
    outcomes: t.field({
      type: [OutcomeCount],
      description: 'How the calls ended; only what there was.',
      resolve: ({ outcomes }) => [...outcomes],
    }),
    p50Ms: t.exposeFloat('p50Ms', percentile(50)),
    p95Ms: t.exposeFloat('p95Ms', percentile(95)),
    p99Ms: t.exposeFloat('p99Ms', percentile(99)),
    lastError: t.exposeString('lastError', {
      nullable: true,
      description: 'What the last call that was not answered said, or how it ended; null where there was none.',
    }),
  }),
});

const SourceError = builder.objectRef<SourceErrorRow>('SourceError').implement({
  description: 'A call to a source that was not answered.',
  fields: (t) => ({
    at: t.expose('at', { type: 'DateTime', description: 'When it was made.' }),
    endpoint: t.exposeString('endpoint', { description: 'What was asked.' }),
    outcome: t.expose('outcome', { type: CallOutcome, description: 'How it ended.' }),
    status: t.exposeInt('status', { nullable: true, description: 'The HTTP status; null where no answer came.' }),
    error: t.exposeString('error', { nullable: true, description: 'What was said, without secrets.' }),
  }),
});

const ERRORS_DEFAULT = 20;

const SourceHealth = builder.objectRef<SourceHealthRow>('SourceHealth').implement({
  description: 'How a source, such as an operator’s API, answers the ingestors.',
  fields: (t) => ({
    source: t.exposeString('source', { description: 'Its name: `PJM`.' }),
    up: t.exposeBoolean('up', {
      description:
        'False while an alert says that it or a part of it is DOWN, or that it refuses our credentials (AUTH), and where the window has two calls or more and none was answered.',
    }),
    score: t.exposeFloat('score', {
      nullable: true,
      description: 'Share of the calls of the window that were answered, 0 to 1; null without a call.',
    }),
    calls: t.exposeInt('calls', { description: 'Calls of the window, each try of a request.' }),
    lastCallAt: t.expose('lastCallAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it was last asked, also before the window.',
    }),
    lastSuccessAt: t.expose('lastSuccessAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the last call was made that it answered, also before the window; null where none is kept.',
    }),
    alerts: t.field({
      type: [ApiAlert],
      description: 'What is wrong with it now, newest first.',
      resolve: ({ alerts }) => [...alerts],
    }),
    endpoints: t.field({
      type: [EndpointHealth],
      description: 'Its parts, by name; also those that were not asked within the window.',
      resolve: ({ endpoints }) => [...endpoints],
    }),
    recentErrors: t.field({
      type: [SourceError],
      description:
        'Calls of the window that were not answered, newest first. One answer may ask for 10,000 of all sources.',
      args: { first: t.arg.int({ defaultValue: ERRORS_DEFAULT, description: 'At most so many, from 1.' }) },
      resolve: async ({ source, from }, { first }, { loaders }) => [
        ...(await loaders.sourceErrors.load({ source, from, first: atLeastOne('first', first ?? ERRORS_DEFAULT) })),
      ],
    }),
  }),
});

const WINDOW_DEFAULT = 60;

const healthArguments = builder.args((t) => ({
  window: t.int({
    defaultValue: WINDOW_DEFAULT,
    description: 'How far back calls are counted, minutes: 1 to 10,080, a week.',
  }),
  source: t.string({
    description:
      'Only this source, in capitals or not. `BAD_USER_INPUT`, with the names, where there is no such source.',
  }),
}));

interface HealthArguments {
  readonly window?: number | null | undefined;
  readonly source?: string | null | undefined;
}

/** @throws BusbarError `BAD_USER_INPUT` for a window below 1, `LIMIT_EXCEEDED` for one beyond the limit. */
function healthQuestion({ window, source }: HealthArguments): ApiHealthQuestion {
  const windowMinutes = atLeastOne('window', window ?? WINDOW_DEFAULT);
  requireWithin('healthMinutes', windowMinutes, 'ask for a shorter window');
  return { windowMinutes, source: source ?? undefined };
}

function atLeastOne(argument: string, value: number): number {
  if (value >= 1) return value;
  throw new BusbarError('BAD_USER_INPUT', `\`${argument}\` must be at least 1, not ${value}`);
}

builder.queryField('apiHealth', (t) =>
  t.field({
    type: [SourceHealth],
    authScopes: { may: 'FEEDS' },
    description: 'How the sources answer: each of which calls are kept, by name.',
    args: healthArguments,
    resolve: (_root, args, { reads }) => reads.apiHealth(healthQuestion(args)),
  }),
);

builder.subscriptionField('apiHealth', (t) =>
  t.field({
    type: [SourceHealth],
    authScopes: { may: 'FEEDS' },
    description:
      'How the sources answer, and then all again when something about one changed, at most once a second: a call more, or one that the window has left behind. Each identity may have 8 different windows and sources at once, and is RATE_LIMITED beyond.',
    args: healthArguments,
    subscribe: (_root, args, { live, operations }) => live.apiHealth(healthQuestion(args), operations.by.subject),
    resolve: (sources) => [...sources],
  }),
);

const ApiAlertConnection = builder.connectionObject(
  { type: ApiAlert, name: 'ApiAlertConnection', description: 'A page of alerts, newest first.' },
  { name: 'ApiAlertEdge', description: 'An alert and its place in the list.' },
);

/** The id of the last alert seen. */
const CURSOR = cursorCodec('apiAlerts', z.number().int());

builder.queryField('apiAlerts', (t) =>
  t.field({
    type: ApiAlertConnection,
    authScopes: { may: 'FEEDS' },
    description: 'Alerts of the sources, newest first.',
    args: {
      open: t.arg.boolean({ description: 'true: only those that last; false: only those that have passed.' }),
      ...pageArguments,
    },
    resolve: async (_root, { open, ...page }, { reads }) => {
      const asked = pageFrom(page, CURSOR);
      return connectionFrom(await reads.apiAlerts(open ?? undefined, asked), asked, ({ id }) => CURSOR.encode(id));
    },
  }),
);
