import type { Readable, Writable } from 'node:stream';

/** What a command reads, writes to and ends with; `process` fits. */
export interface Terminal {
  readonly stdin: Readable & { readonly isTTY?: boolean };
  readonly stdout: Screen;
  readonly stderr: Screen;
  /** 0 where nothing is set. */
  exitCode?: number | string | null | undefined;
}

type Screen = Writable & { readonly isTTY?: boolean; readonly columns?: number };
