import type { Answer } from './answer.ts';

/** Answers in this process, those used last, within a number of bytes. */
export interface AnswerMemory {
  get(key: string): Answer | undefined;
  /** Keeps it, and weighs it again as it grows. One that would take more than an eighth is not kept. */
  keep(key: string, answer: Answer): void;
  readonly bytes: number;
}

/** A key, the map's entry and the buffers' own heads. */
const ENTRY_BYTES = 512;

export function createAnswerMemory(bytesMax: number): AnswerMemory {
  const kept = new Map<string, { readonly answer: Answer; readonly bytes: number }>();
  let total = 0;
  const forget = (key: string) => {
    total -= kept.get(key)?.bytes ?? 0;
    kept.delete(key);
  };
  const weigh = (key: string, answer: Answer) => {
    forget(key);
    const bytes = answer.bytes + ENTRY_BYTES;
    kept.set(key, { answer, bytes });
    total += bytes;
    for (const oldest of kept.keys()) {
      if (total <= bytesMax) break;
      forget(oldest);
    }
  };
  return {
    get(key) {
      const found = kept.get(key);
      if (!found) return undefined;
      kept.delete(key);
      kept.set(key, found);
      return found.answer;
    },
    keep(key, answer) {
      forget(key);
      if (answer.bytes + ENTRY_BYTES > bytesMax / 8) return;
      weigh(key, answer);
      answer.onGrown(() => kept.get(key)?.answer === answer && weigh(key, answer));
    },
    get bytes() {
      return total;
    },
  };
}
