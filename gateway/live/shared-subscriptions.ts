import type { ExecutionArgs, ExecutionResult } from 'graphql';
import { BusbarError } from '../../domain/errors.ts';
import { type Rights, rightsKey } from '../../domain/rights.ts';
import type { Metrics } from '../../runtime/metrics.ts';
import type { Context } from '../../schema/context.ts';
import type { Tenure } from '../auth/tenure.ts';
import type { ErrorMask } from '../errors.ts';
import type { Conflation } from './conflation.ts';
import { SubscriptionGroup } from './subscription-group.ts';
import { type SubscriptionRequest, subscriptionRequest } from './subscription-request.ts';

export interface SharedSubscriptions {
  /**
   * In the place of graphql-js' `subscribe`, with the same answers for requests that are not sound.
   *
   * Requests that are the same (document, operation, variables, rights) form one **group** with one source stream and
   * one execution an event; the results are the same objects for all its **members**. A request with a cursor (`after`)
   * begins in the past, and one for a field that begins with how things stand begins with its own beginning: each is a
   * group of its own. One that asks for a snapshot joins the others: it is told its snapshot and then what they are told.
   * @param tenure of whoever subscribes: the subscription ends with it, and says where to go on.
   */
  subscribe(
    args: ExecutionArgs,
    tenure?: Tenure,
  ): Promise<AsyncIterableIterator<ExecutionResult, undefined> | ExecutionResult>;
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
  /** Groups that can be joined. */
  const joinable = new Map<string, SubscriptionGroup>();
  const groups = new Set<SubscriptionGroup>();

  const open = (args: ExecutionArgs, request: SubscriptionRequest | undefined, key: string | undefined) => {
    const { rights } = asked(args);
    const group = new SubscriptionGroup({
      args,
      createConflation: request?.args.delivery === 'LATEST' ? conflations[request.field] : undefined,
      opens: request?.args.snapshot === true && request.args.after == null,
      freshContext: contexts(rights),
      mask,
      metrics,
      memberFramesMax,
      onClosed() {
        groups.delete(group);
        if (key !== undefined && joinable.get(key) === group) joinable.delete(key);
      },
    });
    groups.add(group);
    if (key !== undefined) joinable.set(key, group);
    return group;
  };

  return {
    async subscribe(args, tenure) {
      const request = subscriptionRequest(args, rightsKey(asked(args).rights));
      const key = request && beginsNow(request, standingFields) ? request.key : undefined;
      const known = key === undefined ? undefined : joinable.get(key);
      const group = known ?? open(args, request, key);
      const member = group.join(tenure);
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

/** Whether it gets just what comes after it, as everyone does who joins. */
function beginsNow({ field, args }: SubscriptionRequest, standingFields: ReadonlySet<string>): boolean {
  return args.after == null && !standingFields.has(field);
}
