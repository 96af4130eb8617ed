import type { Platform } from '../../prisma/platform.ts';
import type { Lifecycle } from '../../runtime/lifecycle.ts';
import { accessOf } from '../auth/access.ts';
import { NO_OPERATIONS_KNOWN, readManifest } from '../persisted/manifest.ts';
import { createPersistedOperations } from '../persisted/persisted-operations.ts';
import type { IntakeOptions } from './intake.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { requestLimitsOf } from './request-limits.ts';

/** Of an identity that nobody gave another number: a hundred operations a second. */
const RATE_PER_MINUTE = 6_000;

/** The limits as the settings have them, as parts of a process. @throws BusbarError `CONFIG_INVALID` */
export async function startIntake(lifecycle: Lifecycle, { config, log, metrics }: Platform): Promise<IntakeOptions> {
  const { core } = config;
  const { PERSISTED: stage, PERSISTED_FILE: file, REDIS_URL: redis } = core;
  const known = file === undefined ? NO_OPERATIONS_KNOWN : await readManifest(file);
  const pointsPerMinute = core.RATE_PER_MINUTE ?? (accessOf(core) === 'open' ? 0 : RATE_PER_MINUTE);
  const rate =
    pointsPerMinute === 0
      ? undefined
      : await lifecycle.start(
          'rate limiter',
          async () => createRateLimiter({ pointsPerMinute, redisUrl: redis?.reveal(), log }),
          async (created) => created.close(),
        );
  return {
    limits: requestLimitsOf(core),
    rate,
    persisted: createPersistedOperations({ stage, known, log, metrics }),
  };
}
