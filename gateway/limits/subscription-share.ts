import type { DocumentNode } from 'graphql';
import { beyondLimit } from './beyond-limit.ts';
import { beyondShare, type Shares } from './shares.ts';

/** What a parsed document takes of memory: 290 as measured, and what is made of it. */
const TOKEN_BYTES = 400;

/**
 * Counts what a subscription came with, which is kept as long as it is, to the share of whoever asks.
 * @param characters of its message, or of its document and variables.
 * @returns what gives it back, to be called once.
 * @throws BusbarError `LIMIT_EXCEEDED`, `RATE_LIMITED`
 */
export type HoldSubscription = (subject: string, document: DocumentNode, characters: number) => () => void;

/**
 * The tree of a document that is asked again is found by its text as long as that is kept, and then shared. It counts to whoever brought
 * it, until nobody holds it.
 */
interface Tree {
  holders: number;
  readonly giveBack: () => void;
}

/** @param charactersMax of one. */
export function subscriptionShare(shares: Shares, charactersMax: number): HoldSubscription {
  const trees = new WeakMap<DocumentNode, Tree>();
  const take = (subject: string, bytes: number) => {
    const giveBack = shares.take(subject, bytes);
    if (!giveBack) throw beyondShare('subscriptionBytes', shares.max, 'bytes of subscriptions');
    return giveBack;
  };
  const holdTree = (subject: string, document: DocumentNode) => {
    const tree = trees.get(document) ?? { holders: 0, giveBack: take(subject, TOKEN_BYTES * tokensIn(document)) };
    tree.holders++;
    trees.set(document, tree);
    return () => {
      tree.holders--;
      if (tree.holders > 0) return;
      trees.delete(document);
      tree.giveBack();
    };
  };
  return (subject, document, characters) => {
    const asked = Math.max(characters, document.loc?.source.body.length ?? 0);
    if (asked > charactersMax) {
      throw beyondLimit('subscriptionCharacters', charactersMax, asked, 'shorten its document and variables');
    }
    const letTreeGo = holdTree(subject, document);
    try {
      const giveBack = take(subject, characters);
      return () => {
        giveBack();
        letTreeGo();
      };
    } catch (error) {
      letTreeGo();
      throw error;
    }
  };
}

function tokensIn({ loc }: DocumentNode): number {
  let tokens = 0;
  for (let token = loc?.startToken; token; token = token.next ?? undefined) tokens++;
  return tokens;
}
