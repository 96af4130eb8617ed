import { type Logger, type LoggerOptions, pino } from 'pino';
import { messageOf } from '../domain/errors.ts';
import type { CoreConfig } from './config.ts';

/**
 * Whatever carries a credential is removed on the way out, at the top of a line and up to two levels deep. The list is
 * the second line of defence: secrets of the configuration are `Secret`s, which do not print at all.
 */
const CREDENTIALS = ['authorization', 'cookie', 'set-cookie', 'password', 'token'];
const REDACTED = CREDENTIALS.flatMap((name) => [`["${name}"]`, `*["${name}"]`, `*.*["${name}"]`]);

export type LogLevel = CoreConfig['LOG_LEVEL'];

/**
 * JSON lines on standard output: static event names as `msg`, facts as fields. A person at a terminal gets them
 * coloured and in one line instead; nothing but the terminal decides that.
 * @param name the process, as every line shows it.
 */
export function createLog(level: LogLevel, name: string, out: LogTarget = process.stdout): Logger {
  const options: LoggerOptions = {
    level,
    name,
    serializers: { err: (error: unknown) => loggedError(error) },
    redact: { paths: REDACTED, censor: '[redacted]' },
    timestamp: pino.stdTimeFunctions.isoTime,
    formatters: { level: (label) => ({ level: label }) },
  };
  if (!out.isTTY) return pino(options, out);
  // A transport runs in a worker and cannot take the level formatter along.
  const { formatters: _, ...plain } = options;
  return pino({
    ...plain,
    transport: {
      target: 'pino-pretty',
      options: { singleLine: true, ignore: 'pid,hostname', destination: out.fd ?? 1 },
    },
  });
}

export interface LogTarget {
  readonly isTTY?: boolean;
  /** The file descriptor; standard output's where nothing is said. */
  readonly fd?: number;
  write(line: string): unknown;
}

/** What a line tells of an error, and of each that caused it. */
interface LoggedError {
  readonly type: string;
  readonly code?: string | number;
  readonly message: string;
  readonly stack?: string;
  readonly cause?: LoggedError;
}

/** More of them is a circle. */
const CAUSES_MAX = 8;

/**
 * These fields and no others. Drivers hang what they please on an error: `pg` the client whose connection was lost, with all
 * that it connects with.
 */
function loggedError(error: unknown, causes = 0): LoggedError {
  const message = withoutPassword(messageOf(error));
  if (!(error instanceof Error)) return { type: typeof error, message };
  const { stack, cause } = error;
  return {
    type: error.constructor.name,
    ...codeOf(error),
    message,
    ...(stack !== undefined && { stack: withoutPassword(stack) }),
    ...(cause !== undefined && causes < CAUSES_MAX && { cause: loggedError(cause, causes + 1) }),
  };
}

function codeOf(error: Error): Pick<LoggedError, 'code'> {
  const code = 'code' in error ? error.code : undefined;
  return typeof code === 'string' || typeof code === 'number' ? { code } : {};
}

/** Messages quote URLs. */
function withoutPassword(text: string): string {
  return text.replace(/(:\/\/[^\s/:@]*:)[^\s/@]+@/g, '$1[redacted]@');
}
