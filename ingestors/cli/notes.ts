import type { Logger } from 'pino';
import { createLog } from '../../runtime/log.ts';
import { printable } from './output.ts';

/** Where notes go; `process.stderr` fits. */
export interface NoteTarget {
  readonly isTTY?: boolean;
  write(text: string): unknown;
}

/**
 * A log for a person: of what parts of the command warn of, a line each. What befalls a job is left out: its progress and its
 * summary tell it.
 */
export function createNotes(target: NoteTarget): Logger {
  // On a terminal the line of progress makes way.
  const start = target.isTTY ? '\r\u001b[K' : '';
  return createLog('warn', 'feeds', {
    write: (line) => {
      const note: Note = JSON.parse(line);
      if (note.job === undefined) target.write(`${start}${noteText(note)}\n`);
    },
  });
}

interface Note {
  readonly msg: string;
  readonly job?: number;
  readonly reason?: string;
  readonly error?: string;
  readonly err?: NotedError;
  readonly detail?: string;
}

interface NotedError {
  readonly message: string;
  readonly cause?: NotedError;
}

function noteText({ msg, reason, error, err, detail }: Note): string {
  const parts = [msg, reason, error, detail, ...messagesOf(err)].filter((part) => part !== undefined);
  return printable(`feeds: ${parts.join(': ')}`);
}

function messagesOf(error: NotedError | undefined): string[] {
  return error ? [error.message, ...messagesOf(error.cause)] : [];
}
