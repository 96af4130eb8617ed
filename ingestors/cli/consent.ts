import { createInterface } from 'node:readline/promises';
import { BusbarError } from '../../domain/errors.ts';

/**
 * Asks the person at the terminal.
 * @throws BusbarError `BAD_USER_INPUT` where the answer is not yes, or nobody can be asked.
 */
export async function requireConsent(question: string): Promise<void> {
  if (!process.stdin.isTTY) throw new BusbarError('BAD_USER_INPUT', `${question} Say --yes`);
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${question} [y/N] `).finally(() => terminal.close());
  if (!/^y(es)?$/i.test(answer.trim())) throw new BusbarError('BAD_USER_INPUT', 'nothing was done');
}
