import './scalars.ts';
import './market.ts';
import './pricing-node.ts';
import './lmp.ts';
import './lmp-series.ts';
import './dart.ts';
import './feed.ts';
import './ledger.ts';
import './dead-letter.ts';
import './job.ts';
import './job-requests.ts';
import './audit.ts';
import { builder } from './builder.ts';
import { refusingUnstorableText } from './storable-text.ts';

/** The contract, executable. Its context is `Context` of `context.ts`. */
export const schema = refusingUnstorableText(builder.toSchema());
