import { type Logger, type LoggerOptions, pino } from 'pino';
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
