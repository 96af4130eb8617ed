import { describe, expect, it } from 'vitest';
import { AddressList } from './address-list.ts';

describe('A list of addresses', () => {
  it('has what is in its networks, in either family, and nothing else', () => {
    const list = new AddressList(['10.1.0.0/16', '2001:db8::/32', '192.0.2.7']);
    for (const each of ['10.1.2.3', '2001:db8::1', '192.0.2.7', '::ffff:10.1.2.3'])
      expect(list.has(each), each).toBe(true);
    for (const each of ['10.2.0.1', '2001:db9::1', '192.0.2.8', 'unknown', ''])
      expect(list.has(each), each).toBe(false);
  });

  it('knows the loopback and private networks by name', () => {
    const list = new AddressList(['loopback', 'private']);
    for (const each of ['127.0.0.1', '127.9.9.9', '::1', '172.18.0.3']) expect(list.has(each), each).toBe(true);
    expect(list.has('172.32.0.1')).toBe(false);
  });

  it.each(['nowhere', '10.0.0.0/33', '10.0.0.0/', '10.0.0.0/8/8', '10.0.0.0/-1', '::1/129'])('refuses %s', (entry) => {
    expect(() => new AddressList([entry])).toThrow(entry);
  });
});
