import { describe, expect, it } from 'vitest';
import { oneAtATime } from './one-at-a-time.ts';

describe('heavy reads', () => {
  it('run one after the other, also behind one that failed', async () => {
    const inTurn = oneAtATime(10);
    let running = 0;
    const most: number[] = [];
    const read = (fails: boolean) =>
      inTurn(async () => {
        running += 1;
        most.push(running);
        await Promise.resolve();
        running -= 1;
        if (fails) throw new Error('failed');
        return 'read';
      });
    const answers = await Promise.allSettled([read(false), read(true), read(false)]);
    expect(answers.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(Math.max(...most)).toBe(1);
  });

  it('are refused where too many wait, and taken again when they are done', async () => {
    const inTurn = oneAtATime(1);
    let finish = () => {};
    const first = inTurn(() => new Promise<void>((done) => (finish = done)));
    await expect(inTurn(async () => 'second')).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    await Promise.resolve();
    finish();
    await first;
    expect(await inTurn(async () => 'third')).toBe('third');
  });
});
