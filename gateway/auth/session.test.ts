import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { BusbarError } from '../../domain/errors.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import type { Authenticator } from './authenticator.ts';
import type { Identity } from './identity.ts';
import { refusal } from './refusal.ts';
import { Session, type SessionEnd } from './session.ts';

const NOW = Date.parse('2025-07-08T12:00:00Z');
const ALICE: Identity = { subject: 'oidc:alice', name: 'Alice', rights: ALL_RIGHTS, expiresAt: NOW + 600_000 };

let watched: Set<(error: BusbarError) => void>;
let reschedule: ((expiresAt: number | undefined) => void) | undefined;
let warned: number[];
let ended: SessionEnd[];
let session: Session;

const authenticator: Authenticator = {
  identify: async () => ALICE,
  watch(_, told, rescheduled) {
    watched.add(told);
    reschedule = rescheduled;
    return () => watched.delete(told);
  },
};

beforeEach(() => {
  vi.useFakeTimers({ now: NOW });
  watched = new Set();
  warned = [];
  ended = [];
});
afterEach(() => {
  session.close();
  vi.useRealTimers();
});

function open(identity: Identity = ALICE): Session {
  session = new Session({
    authenticator,
    identity,
    clock: Date.now,
    warningMs: 60_000,
    onWarning: (expiresAt) => warned.push(expiresAt),
    onEnded: (end) => ended.push(end),
  });
  return session;
}

const later = (expiresAt: number, more: Partial<Identity> = {}): Identity => ({ ...ALICE, expiresAt, ...more });

describe('A session', () => {
  it('warns once before its identity expires, and then ends with everything that was begun in it', () => {
    const { tenure } = open();
    vi.advanceTimersByTime(539_999);
    expect(warned).toEqual([]);
    vi.advanceTimersByTime(60_000);
    expect(warned).toEqual([ALICE.expiresAt]);
    expect([tenure.over, ended]).toEqual([undefined, []]);
    vi.advanceTimersByTime(1);
    expect(ended).toMatchObject([{ why: 'expired', error: { code: 'UNAUTHENTICATED' } }]);
    expect(tenure.over?.code).toBe('UNAUTHENTICATED');
    expect(watched.size).toBe(0);
  });

  it('warns at once where the end is near already', () => {
    open(later(NOW + 5_000));
    expect(warned).toEqual([NOW + 5_000]);
  });

  it('never ends by itself where its identity does not', () => {
    open({ subject: 'open', name: 'anonymous', rights: ALL_RIGHTS, expiresAt: undefined });
    vi.advanceTimersByTime(1e10);
    expect([warned, ended]).toEqual([[], []]);
  });

  it('is noticed to have expired also where the clock was set forwards, and beyond what a timer holds', () => {
    open(later(NOW + 1e10));
    vi.setSystemTime(NOW + 1e10);
    vi.advanceTimersByTime(60_000);
    expect(ended).toHaveLength(1);
  });

  it('goes on under a new credential of the same subject, and warns again before that one ends', () => {
    const { tenure } = open();
    vi.advanceTimersByTime(550_000);
    expect(session.renew(later(NOW + 1_200_000))).toBe(false);
    vi.advanceTimersByTime(600_000);
    expect([tenure.over, ended]).toEqual([undefined, []]);
    expect(warned).toEqual([NOW + 600_000, NOW + 1_200_000]);
    vi.advanceTimersByTime(60_000);
    expect(ended).toHaveLength(1);
  });

  it('is not renewed by another subject', () => {
    open();
    expect(() => session.renew(later(NOW + 1e9, { subject: 'oidc:mallory' }))).toThrow('whom it is of');
    expect(session.identity).toBe(ALICE);
  });

  it('whose end is moved warns before that, and ends then', () => {
    open(later(NOW + 1e9));
    reschedule?.(NOW + 120_000);
    vi.advanceTimersByTime(60_000);
    expect([warned, ended]).toEqual([[NOW + 120_000], []]);
    reschedule?.(NOW + 180_000);
    vi.advanceTimersByTime(119_999);
    expect([warned, ended]).toEqual([[NOW + 120_000, NOW + 180_000], []]);
    vi.advanceTimersByTime(1);
    expect(ended).toMatchObject([{ why: 'expired' }]);
  });

  it('does not hear of the end of a credential that it no longer has', () => {
    open();
    const formerly = reschedule;
    session.renew(later(NOW + 1_200_000));
    formerly?.(NOW + 1);
    vi.advanceTimersByTime(600_000);
    expect(ended).toEqual([]);
  });

  it('is renewed by a credential of the same holder', () => {
    open({ ...ALICE, subject: 'key:first000' });
    const more = { subject: 'key:second00', holder: 'key:first000' };
    expect(session.renew(later(NOW + 1_200_000, more))).toBe(false);
    expect(session.renew(later(NOW + 1_200_000, { subject: 'key:first000' }))).toBe(false);
  });

  it('with other rights ends what was begun under the old ones, and nothing else', () => {
    const { tenure } = open();
    const rights = { ...ALL_RIGHTS, accounts: [] };
    expect(session.renew(later(NOW + 1_200_000, { rights }))).toBe(true);
    expect(tenure.over?.code).toBe('FORBIDDEN');
    expect([session.tenure.over, ended]).toEqual([undefined, []]);
  });

  it('ends when its identity is revoked, and not when one is that it no longer has', () => {
    open();
    const [before] = watched;
    session.renew(later(NOW + 1_200_000));
    before?.(refusal('revoked'));
    expect(ended).toEqual([]);
    expect(watched.size).toBe(1);
    for (const told of watched) told(refusal('the key was revoked'));
    expect(ended).toMatchObject([
      { why: 'revoked', error: { code: 'UNAUTHENTICATED', message: 'the key was revoked' } },
    ]);
    expect(() => session.renew(later(NOW + 1_200_000))).toThrow('revoked');
  });

  it('ends with what it is where it cannot be confirmed', () => {
    const { tenure } = open();
    const away = new BusbarError('UNAVAILABLE', 'keys cannot be checked');
    for (const told of watched) told(away);
    expect(ended).toEqual([{ why: 'unconfirmed', error: away }]);
    expect(tenure.over).toBe(away);
  });

  it('that is revoked before it began ends at once', () => {
    const told: Authenticator = {
      ...authenticator,
      watch(_, tell) {
        tell(refusal('gone'));
        return () => undefined;
      },
    };
    session = new Session({ authenticator: told, identity: ALICE, clock: Date.now, onEnded: (end) => ended.push(end) });
    expect(ended).toHaveLength(1);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('leaves nothing behind when it is closed, and says nothing', () => {
    open();
    session.close();
    expect([vi.getTimerCount(), watched.size]).toEqual([0, 0]);
    vi.advanceTimersByTime(1e9);
    expect([warned, ended]).toEqual([[], []]);
  });
});
