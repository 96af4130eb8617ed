import type { Answer } from './answer.ts';

/** Answers in this process, those used last, within a number of bytes. */
export interface AnswerMemory {
  get(key: string): Answer | undefined;
  /** Keeps it, or weighs it again. One that would take more than an eighth is not kept. */
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
      const bytes = answer.bytes + ENTRY_BYTES;
      if (bytes > bytesMax / 8) return;
      kept.set(key, { answer, bytes });
      total += bytes;
      for (const oldest of kept.keys()) {
        if (total <= bytesMax) break;
        forget(oldest);
      }
    },
    get bytes() {
      return total;
    },
  };
}
