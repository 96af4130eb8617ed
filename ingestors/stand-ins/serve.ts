import type { Logger } from 'pino';
import type { Environment } from '../../runtime/config.ts';
import type { Lifecycle } from '../../runtime/lifecycle.ts';
import type { StandInPlan } from './plan.ts';
import { STAND_INS } from './plans.ts';

export interface StandInsParts {
  /** What the user set: it wins over what is returned, and stand-ins take his nodes and credentials. */
  readonly given: Environment;
  readonly now: () => number;
  readonly log: Logger;
}

/** Apart from the store of what is real: the feeds keep in it how far they have come, and prices have the same names. */
const DATA_FOLDER = '.data/stand-ins';

/**
 * Starts a stand-in of every vendor as a part of a process, but of those whose URL the user set.
 * @returns the whole environment: that which polls the stand-ins, overruled by what the user set.
 */
export async function serveStandIns(lifecycle: Lifecycle, { given, now, log }: StandInsParts): Promise<Environment> {
  const set = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined && value !== ''));
  const simulated = STAND_INS.filter((plan) => !plan.urls.some((name) => Object.hasOwn(set, name)));
  const environments: Environment[] = [];
  for (const plan of simulated) environments.push(await serveStandIn(lifecycle, plan, { given: set, now, log }));
  return Object.assign({ BUSBAR_DATA: DATA_FOLDER }, ...environments, set);
}

async function serveStandIn(lifecycle: Lifecycle, plan: StandInPlan, { given, now, log }: StandInsParts) {
  const { origin, environment } = await lifecycle.start(
    `stand-in of ${plan.vendor}`,
    () => plan.open(given, now),
    (standIn) => standIn.close(),
  );
  log.info({ vendor: plan.vendor, url: origin, simulates: plan.simulates }, 'stand-in');
  return environment;
}
