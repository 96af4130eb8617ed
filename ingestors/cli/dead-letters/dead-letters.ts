import type { Command } from 'commander';
import type { Invocation } from '../session.ts';
import { addDiscard } from './discard.ts';
import { addListing } from './listing.ts';
import { addRetry } from './retry.ts';
import { addShow } from './show.ts';

const HELP = `
Examples:
  feeds dead-letters --feed realtime_prices
  feeds dead-letters show 7
  feeds dead-letters retry --feed realtime_prices`;

export function addDeadLetters(feeds: Command, invocation: Invocation): void {
  const deadLetters = feeds
    .command('dead-letters')
    .description('records that could not become facts: what they are, and what becomes of them')
    .addHelpText('after', HELP);
  for (const add of [addListing, addShow, addRetry, addDiscard]) add(deadLetters, invocation);
}
