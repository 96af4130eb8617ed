import { expect, test } from 'vitest';
import { decodeMisoLmp } from './decode.ts';
import { keptOfDayFile, keptOfDisplay } from './kept.ts';

const NODES = new Set(['MINN.HUB']);
const HOURS = Array.from({ length: 24 }, (_, i) => i + 1);
const row = (node: string, value = 'LMP') => `${node},Hub,${value},${HOURS.join(',')}`;
const HEAD = `Final Real-Time LMPs\n11/02/2025\n\nNode,Type,Value,${HOURS.map((hour) => `HE ${hour}`).join(',')}\n`;
const file = (...lines: readonly string[]) => ({
  bytes: Buffer.from(`${HEAD}${lines.join('\n')}\n`),
  name: 'rt_lmp_final',
});

test('a file is cut to the rows of the nodes, and what cannot be read stays for the decoder to tell', async () => {
  const rest = ['MCC', 'MLC'].flatMap((value) => Array.from({ length: 5 }, () => row('A', value)));
  const whole = file(
    row('A'),
    row('MINN.HUB'),
    'B,Hub,LMP,1',
    `"C",${row('').slice(1)}`,
    '',
    row('MINN.HUB.2'),
    ...rest,
  );
  const { bytes, rows } = keptOfDayFile(whole, NODES);
  expect(bytes.toString('utf8')).toBe(
    file(row('MINN.HUB'), 'B,Hub,LMP,1', `"C",${row('').slice(1)}`).bytes.toString('utf8'),
  );
  expect(rows).toBe(3);
  const { facts, rejects } = await decodeMisoLmp({ bytes, name: 'rt_lmp_final' });
  expect([facts.length, rejects.length]).toEqual([48, 1]);
});

test('a file of which the end is missing, or that is none, is not cut but refused', () => {
  const { bytes, name } = file(row('A'));
  expect(() => keptOfDayFile({ bytes: bytes.subarray(0, -1), name }, NODES)).toThrow(/cut off/);
  expect(() => keptOfDayFile({ bytes: Buffer.from('a,b\n1,2\n'), name }, NODES)).toThrow(/no header/);
});

test('a file that ends with a whole line in the middle of its nodes is refused too', () => {
  const rows = ['LMP', 'MCC', 'MLC'].flatMap((value) => [row('A', value), row('B', value)]);
  expect(keptOfDayFile(file(...rows), undefined).rows).toBe(6);
  for (const end of [1, 2, 3, 4, 5]) {
    expect(() => keptOfDayFile(file(...rows.slice(0, end)), undefined)).toThrow(/not every node/);
  }
});

test.each([
  ['headers first', (data: string) => `{"headers":["INTERVAL","CPNODE","LMP","MLC","MCC"],"data":[${data}]}`],
  ['data first', (data: string) => `{ "data": [ ${data}], "headers": ["INTERVAL","CPNODE","LMP","MLC","MCC"] }\n`],
])('a display with its %s is cut to the rows of the nodes likewise', async (_, display) => {
  const [mine, other, bad] = ['["t","MINN.HUB","1","2","3"]', '["t","A]\\"[","1","2","3"]', '["t","B"]'];
  const kept = await keptOfDisplay(Buffer.from(display([other, mine, bad, mine, other].join(','))), NODES);
  expect(JSON.parse(kept.bytes.toString('utf8')).data).toEqual([mine, bad, mine].map((text) => JSON.parse(text)));
  expect(kept.rows).toBe(3);
  const none = await keptOfDisplay(Buffer.from(display(other)), NODES);
  expect([JSON.parse(none.bytes.toString('utf8')).data, none.rows]).toEqual([[], 0]);
});

test('others run while a large display is cut or decoded', async () => {
  const rows = Array.from({ length: 20_000 }, (_, i) => ['2025-12-03T00:00:00', `N${i}`, '1', '0', '0']);
  const bytes = Buffer.from(JSON.stringify({ headers: ['INTERVAL', 'CPNODE', 'LMP', 'MLC', 'MCC'], data: rows }));
  for (const work of [() => keptOfDisplay(bytes, NODES), () => decodeMisoLmp({ bytes, name: 'rolling.json' })]) {
    let turns = 0;
    const others = setInterval(() => {
      turns += 1;
    }, 0);
    await work();
    clearInterval(others);
    expect(turns).toBeGreaterThan(1);
  }
});
