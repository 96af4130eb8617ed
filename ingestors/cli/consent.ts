import { createInterface } from 'node:readline/promises';
import { BusbarError } from '../../domain/errors.ts';
import type { Terminal } from './terminal.ts';

/**
 * Asks the person at the terminal.
 * @throws BusbarError `BAD_USER_INPUT` where the answer is not yes, or nobody can be asked.
 */
export async function requireConsent({ stdin, stderr }: Terminal, question: string): Promise<void> {
  if (!stdin.isTTY) throw new BusbarError('BAD_USER_INPUT', `${question} Say --yes`);
  const asking = createInterface({ input: stdin, output: stderr });
  const answer = await asking.question(`${question} [y/N] `).finally(() => asking.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new BusbarError('BAD_USER_INPUT', 'nothing was done');
}
