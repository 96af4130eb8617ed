import './scalars.ts';
import './market.ts';
import './pricing-node.ts';
import './lmp.ts';
import './lmp-series.ts';
import './dart.ts';
import './feed.ts';
import './ledger.ts';
import './dead-letter.ts';
import { builder } from './builder.ts';

/** The contract, executable. Its context is `Context` of `context.ts`. */
export const schema = builder.toSchema();
