import type { JobStanding } from '../../prisma/operations/jobs.ts';
import { jobName, progressOf, progressParts, progressText, type Trouble } from './job-text.ts';
import { progressLine } from './progress-line.ts';

/** Shows how a job goes on. */
export interface Progress {
  show(job: JobStanding, trouble?: Trouble): void;
  /** Leaves the screen to whoever prints next. */
  end(): void;
}

/** Where progress is shown; `process.stdout` fits. */
export interface Screen {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

const COLUMNS = 80;
/** What is no terminal gets lines, and those stay. */
const LINE_EVERY_MS = 5_000;

/** @param clock milliseconds UTC. */
export function createProgress(screen: Screen, clock: () => number): Progress {
  return screen.isTTY ? bar(screen, clock) : lines(screen, clock);
}

/** One line that is written over and over. */
function bar(screen: Screen, clock: () => number): Progress {
  const rewrite = (line: string) => screen.write(`\r${line}\u001b[K`);
  return {
    show: (job, trouble) => {
      // A line that wraps cannot be written over. A terminal that does not know its width says 0.
      const width = (screen.columns || COLUMNS) - 1;
      rewrite(progressLine(progressParts(job, clock(), trouble), progressOf(job), width));
    },
    end: () => rewrite(''),
  };
}

function lines(screen: Screen, clock: () => number): Progress {
  let shownAt = Number.NEGATIVE_INFINITY;
  return {
    show: (job, trouble) => {
      const now = clock();
      if (now - shownAt < LINE_EVERY_MS) return;
      shownAt = now;
      screen.write(`${jobName(job)}: ${progressText(job, now, trouble)}\n`);
    },
    end: () => {},
  };
}
