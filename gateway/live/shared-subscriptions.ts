import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { BusbarError } from '../../domain/errors.ts';
import { type Rights, rightsKey } from '../../domain/rights.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Context } from '../../schema/context.ts';
import type { Tenure } from '../auth/tenure.ts';
import type { ErrorMask } from '../errors.ts';
import type { Conflation } from './conflation.ts';
import { QuestionGroups } from './question-groups.ts';
import { type Member, SubscriptionGroup } from './subscription-group.ts';
import { type SubscriptionRequest, subscriptionRequest } from './subscription-request.ts';

export interface SharedSubscriptions {
  /**
   * In the place of graphql-js' `subscribe`, with the same answers for requests that are not sound.
   *
   * Requests that are the same (document, operation, variables, rights) form one **group** with one source stream and
   * one execution an event; the results are the same objects for all its **members**. Those with a cursor (`after`)
   * begin in the past, and share from where they are at one place (`QuestionGroups`). One for a field that begins with how
   * things stand begins with its own beginning, and is a group of its own. One that asks for a snapshot joins the others: it
   * is told its snapshot and then what they are told.
   * @param tenure of whoever subscribes: the subscription ends with it, and says where to go on.
   */
  subscribe(args: ExecutionArgs, tenure?: Tenure): Promise<Member | ExecutionResult>;
  /** Ends every stream with an `UNAVAILABLE` result. */
  close(): void;
}

export interface SharedSubscriptionsOptions {
  /** Makes contexts in the name of all who have these rights, a new one an event: loaders must not remember the last one. */
  readonly contexts: (rights: Rights) => () => object;
  readonly mask: ErrorMask;
  readonly metrics: Metrics;
  /** How to bring events of a root field together for a LATEST member that is behind. Not listed: the field has no LATEST. */
  readonly conflations: Readonly<Record<string, () => Conflation<unknown>>>;
  /** Root fields whose first event says how things stand: who joined a group later would not get it. */
  readonly standingFields: ReadonlySet<string>;
  /** Results an EVERY member may have waiting before it is ended with its cursor. */
  readonly memberFramesMax: number;
}

export function createSharedSubscriptions(options: SharedSubscriptionsOptions): SharedSubscriptions {
  const { contexts, mask, metrics, conflations, standingFields, memberFramesMax } = options;
  const questions = new Map<string, QuestionGroups>();
  const groups = new Set<SubscriptionGroup>();

  const questionOf = (request: SubscriptionRequest | undefined): QuestionGroups => {
    const opens = request?.args.snapshot === true;
    if (!request || standingFields.has(request.field)) return new QuestionGroups(opens);
    const question = questions.get(request.key) ?? new QuestionGroups(opens);
    questions.set(request.key, question);
    return question;
  };

  const open = (args: ExecutionArgs, request: SubscriptionRequest | undefined, question: QuestionGroups) => {
    const after = cursorIn(request);
    const group: SubscriptionGroup = new SubscriptionGroup({
      args: request ? { ...args, variableValues: request.variableValues } : args,
      after,
      createConflation: request?.args.delivery === 'LATEST' ? conflations[request.field] : undefined,
      freshContext: contexts(asked(args).rights),
      mask,
      metrics,
      memberFramesMax,
      onOffered: (from) => question.offered(group, from),
      onClosed() {
        groups.delete(group);
        question.remove(group);
        if (request && question.isEmpty && questions.get(request.key) === question) questions.delete(request.key);
      },
    });
    groups.add(group);
    question.add(group, after);
    return group;
  };

  return {
    async subscribe(args, tenure) {
      const request = subscriptionRequest(args, rightsKey(asked(args).rights));
      const question = questionOf(request);
      const after = cursorIn(request);
      const group = question.find(after) ?? open(args, request, question);
      const member = group.join(request?.args.snapshot === true && after === undefined, tenure);
      // The source is asked for before this function first waits: what is announced after the call is seen.
      const refused = await group.start();
      if (refused) await member.return();
      else void group.open(member);
      return refused ?? member;
    },
    close() {
      for (const group of groups)
        group.close(new BusbarError('UNAVAILABLE', 'the gateway is going down: subscribe again'));
    },
  };
}

/** @throws TypeError as a programming error: a context without rights is none of ours. */
function asked({ contextValue }: ExecutionArgs): { readonly rights: Rights } {
  if (typeof contextValue === 'object' && contextValue && 'rights' in contextValue) return contextValue as Context;
  throw new TypeError('who subscribes has rights');
}

function cursorIn(request: SubscriptionRequest | undefined): string | undefined {
  return typeof request?.args.after === 'string' ? request.args.after : undefined;
}
