import type { ExecutionResult } from 'graphql';
import { Stream } from './stream.ts';
import type { Member } from './subscription-group.ts';

/** @param giveBack called when the subscription has ended, or at once where there is none. */
export async function heldSubscription(
  giveBack: () => void,
  subscribing: Promise<Member | ExecutionResult>,
): Promise<Member | ExecutionResult> {
  try {
    const results = await subscribing;
    if (results instanceof Stream) results.whenEnded(giveBack);
    else giveBack();
    return results;
  } catch (error) {
    giveBack();
    throw error;
  }
}
