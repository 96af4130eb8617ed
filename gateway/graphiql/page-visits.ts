import type { IncomingMessage, ServerResponse } from 'node:http';
import { isBusbarError } from '../../domain/errors.ts';
import { HOUR_MS } from '../../domain/instant.ts';
import { pathOf } from '../../runtime/http-service.ts';
import type { Authenticator } from '../auth/authenticator.ts';
import { type Identity, VISITOR } from '../auth/identity.ts';
import { sendAnswer } from '../cache/answer-http.ts';
import { admit } from '../caller.ts';
import { preferencesOf, weightOf } from '../encoding/preferences.ts';
import type { Front } from '../front/front.ts';
import { pagePolicy } from '../front/security-headers.ts';
import { mayIntrospect } from '../limits/bounded-document.ts';
import type { Intake } from '../limits/intake.ts';
import { createPage, type Page } from './page.ts';

/**
 * Browsers that open the address of GraphQL, and are shown GraphiQL. They bring no credential: it is entered in the page. A visitor
 * is a caller here and nowhere else: whatever is not answered here has to say who asks.
 */
export interface PageVisits {
  /** @returns false where no page is asked for, or who asks may not see it. @throws BusbarError `UNAUTHENTICATED`, `RATE_LIMITED` */
  answer(request: IncomingMessage, response: ServerResponse): Promise<boolean>;
}

export function createPageVisits(options: {
  readonly path: string;
  readonly authenticator: Authenticator;
  readonly front: Front;
  readonly intake: Intake;
  /** Milliseconds UTC. */
  readonly clock: () => number;
}): PageVisits {
  const { path, authenticator, front, intake, clock } = options;
  const { introspection } = intake.limits;
  const pageFor = keptPages();
  const maySee = (identity: Identity) =>
    identity === VISITOR ? introspection !== 'none' : mayIntrospect(identity.rights, introspection);

  return {
    async answer(request, response) {
      if (request.method !== 'GET' || pathOf(request) !== path || !wantsPage(request)) return false;
      const identity = await visitorOf(request, authenticator);
      if (!maySee(identity)) return false;
      admit(request, identity);
      await intake.begin(request, response);
      const { answer, scriptHash } = pageFor(identity === VISITOR, clock());
      response.setHeader('content-security-policy', pagePolicy(scriptHash, front.senderOf(request).host));
      await sendAnswer(request, response, answer, 'text/html');
      return true;
    },
  };
}

/** Each page is made, and compressed, once an hour for all who open it: its examples end with the hour. */
function keptPages(): (asksForCredential: boolean, now: number) => Page {
  const kept = new Map<boolean, { readonly hour: number; readonly page: Page }>();
  return (asksForCredential, now) => {
    const hour = Math.ceil(now / HOUR_MS);
    const known = kept.get(asksForCredential);
    if (known?.hour === hour) return known.page;
    const page = createPage(now, asksForCredential);
    kept.set(asksForCredential, { hour, page });
    return page;
  };
}

/** Programs may name HTML among what they take: it is a page that is wanted where it is named before all answers. */
function wantsPage({ headers }: IncomingMessage): boolean {
  const ranges = preferencesOf(headers.accept ?? '');
  const html = ranges.get('text/html') ?? 0;
  return html > Math.max(...ANSWER_TYPES.map((type) => weightOf(type, ranges)));
}

const ANSWER_TYPES = ['application/json', 'application/graphql-response+json', 'text/event-stream'];

async function visitorOf({ headers }: IncomingMessage, authenticator: Authenticator): Promise<Identity> {
  try {
    return await authenticator.identify(headers.authorization);
  } catch (error) {
    if (isBusbarError(error, 'UNAUTHENTICATED') && headers.authorization === undefined) return VISITOR;
    throw error;
  }
}
