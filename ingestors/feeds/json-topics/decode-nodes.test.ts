import { Ajv2020 } from 'ajv/dist/2020.js';
import { describe, expect, it } from 'vitest';
import { NODES_SCHEMA, type NodeEvent } from '../../../schema/events/nodes.ts';
import { decodeNodes } from './decode-nodes.ts';

const decoded = (value: string | Buffer) => decodeNodes({ bytes: Buffer.from(value), name: 'nodes' });

const GOOD = {
  node_id: 'PJM:WESTERN HUB',
  kind: 'HUB',
  zone: null,
  title: 'PJM Western Hub',
  aliases: ['51288', 'WEST'],
  valid_from: '2010-01-01T00:00:00Z',
  valid_to: '2020-01-01T00:00:00-05:00',
} as const satisfies NodeEvent;

const node = (fields: object = {}) => JSON.stringify({ ...GOOD, ...fields });

describe('exact values', () => {
  it('a record tells all there is to tell', () => {
    expect(decoded(node()).facts).toEqual([
      {
        node: 'PJM:WESTERN HUB',
        kind: 'HUB',
        zone: null,
        title: 'PJM Western Hub',
        aliases: ['51288', 'WEST'],
        valid: { from: Date.UTC(2010, 0, 1), to: Date.UTC(2020, 0, 1, 5) },
      },
    ]);
  });

  it('what is absent is not told', () => {
    expect(decoded('{"node_id":"PJM:A"}').facts).toEqual([{ node: 'PJM:A' }]);
    expect(decoded('{"node_id":"PJM:A","valid_from":null,"valid_to":null}').facts).toEqual([{ node: 'PJM:A' }]);
  });

  it('an end alone retires', () => {
    expect(decoded('{"node_id":"PJM:A","valid_to":"2026-01-01T00:00:00Z"}').facts).toEqual([
      { node: 'PJM:A', valid: { from: undefined, to: Date.UTC(2026, 0, 1) } },
    ]);
  });

  it('null is known to be none, and aliases are each once and in order', () => {
    expect(decoded(node({ kind: null, title: null, aliases: null })).facts).toMatchObject([
      { kind: null, title: null, aliases: [] },
    ]);
    expect(decoded(node({ aliases: ['B', 'A', 'B'] })).facts).toMatchObject([{ aliases: ['A', 'B'] }]);
  });

  it.each([
    ['an array', `[${node()}, ${node({ node_id: 'MISO:B' })}]`],
    ['one a line', `${node()}\n\n${node({ node_id: 'MISO:B' })}\n`],
  ])('a file may hold several: %s', (_, text) => {
    expect(decoded(text).facts.map((place) => place.node)).toEqual(['PJM:WESTERN HUB', 'MISO:B']);
  });

  it('of several a bad one is a reject by itself, which can be decoded again', () => {
    const { facts, rejects } = decoded(`${node()}\nnonsense\n${node({ kind: 'MOON' })}\n${node()}`);
    expect(facts).toHaveLength(2);
    expect(rejects.map(({ code }) => code)).toEqual(['NOT_JSON', 'BAD_VALUE']);
    for (const { raw, code } of rejects) expect(decoded(raw).rejects).toMatchObject([{ code }]);
  });

  it('a record may be laid out over lines', () => {
    expect(decoded(JSON.stringify(GOOD, null, 2)).facts).toHaveLength(1);
  });
});

describe('rejects', () => {
  it.each([
    ['no JSON', 'hello', 'NOT_JSON', ''],
    ['no UTF-8', Buffer.from([0x22, 0xff, 0x22]), 'NOT_JSON', 'UTF-8'],
    ['no value', '', 'NOT_THE_FORMAT', 'no value'],
    ['no node', node({ node_id: undefined }), 'MISSING_FIELD', 'node_id:'],
    ['a hub', node({ node_id: 'PJM-WEST' }), 'BAD_VALUE', 'expected MARKET:NAME'],
    ['another market', node({ node_id: 'AESO:X' }), 'UNKNOWN_NODE', 'a market of ours'],
    ['a control character', node({ node_id: 'PJM:\u0000' }), 'BAD_VALUE', 'node_id:'],
    ['a kind of its own', node({ kind: 'hub' }), 'BAD_VALUE', 'kind: expected one of HUB'],
    ['a blank title', node({ title: ' ' }), 'BAD_VALUE', 'title:'],
    ['a number for a zone', node({ zone: 3 }), 'BAD_VALUE', 'zone:'],
    ['aliases that are none', node({ aliases: 'A' }), 'BAD_VALUE', 'aliases: expected an array'],
    ['an alias that is a number', node({ aliases: [1] }), 'BAD_VALUE', 'aliases:'],
    ['a time without a zone', node({ valid_from: '2026-01-01T00:00:00' }), 'BAD_TIME', 'valid_from:'],
    ['an end before its beginning', node({ valid_to: GOOD.valid_from }), 'BAD_TIME', 'after valid_from'],
  ])('%s', (_, value, code, reason) => {
    const { facts, rejects } = decoded(value);
    expect([facts, rejects]).toMatchObject([[], [{ code }]]);
    expect(rejects[0]?.reason).toContain(reason);
  });
});

describe('the contract', () => {
  const isValid = new Ajv2020({ strict: true, allowUnionTypes: true }).compile(NODES_SCHEMA);

  it.each([
    {},
    { kind: null, aliases: null, valid_from: null, valid_to: null },
    { kind: 'MOON' },
    { title: ' ' },
    { aliases: [1] },
    { aliases: [null] },
    { node_id: 'PJM-WEST' },
    { node_id: null },
    { valid_from: '2026-01-01T00:00:00' },
  ])('and the decoder agree about %j', (fields) => {
    expect(isValid(JSON.parse(node(fields)))).toBe(decoded(node(fields)).rejects.length === 0);
  });
});
