import './scalars.ts';
import './market.ts';
import './pricing-node.ts';
import './lmp.ts';
import './lmp-series.ts';
import './dart.ts';
import './trade.ts';
import './account.ts';
import './position.ts';
import './exposure.ts';
import './pnl-series.ts';
import './forecast.ts';
import './market-metrics.ts';
import './price-trend.ts';
import './feed.ts';
import './ledger.ts';
import './dead-letter.ts';
import './job.ts';
import './job-requests.ts';
import './audit.ts';
import { auditingMutations } from './auditing-mutations.ts';
import { builder } from './builder.ts';
import { refusingUnstorableText } from './storable-text.ts';

/** The contract, executable. Its context is `Context` of `context.ts`. */
export const schema = auditingMutations(refusingUnstorableText(builder.toSchema()));
