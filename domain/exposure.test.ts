import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { exposureOf } from './exposure.ts';
import { Decimal, decimalFrom } from './money.ts';
import { flatPosition, notional, pnl01 } from './position.ts';

const exposed = (quantity: string, lastPrice: string | null) => ({
  position: { quantity: decimalFrom(quantity) },
  lastPrice: lastPrice === null ? null : decimalFrom(lastPrice),
});

/** Quantities in MW·minutes: whole MWh are multiples of sixty. */
describe('exposure', () => {
  test('nets long and short and grosses their amounts', () => {
    expect(exposureOf([exposed('600', '30'), exposed('-240', '25.5'), exposed('60', '-10')])).toEqual({
      positions: 3,
      unpriced: 0,
      netMw: decimalFrom('7').over(decimalFrom(1)),
      grossMw: decimalFrom('15').over(decimalFrom(1)),
      pnl01: decimalFrom('0.07').over(decimalFrom(1)),
      netNotional: decimalFrom('188').over(decimalFrom(1)),
      grossNotional: decimalFrom('412').over(decimalFrom(1)),
      shockPnl: null,
    });
  });

  test('counts open positions without a price, and has no money where none has one', () => {
    const both = exposureOf([exposed('600', null), exposed('60', '10'), exposed('0', null)]);
    expect([both.positions, both.unpriced, String(both.netNotional), String(both.pnl01)]).toEqual([3, 1, '10', '0.11']);
    const none = exposureOf([exposed('600', null)], { percent: decimalFrom(5) });
    expect([none.netNotional, none.grossNotional, none.shockPnl]).toEqual([null, null, null]);
  });

  test('of flat positions is nothing, and not unknown', () => {
    expect(String(exposureOf([exposed('0', null)]).netNotional)).toBe('0');
    expect(String(exposureOf([]).grossNotional)).toBe('0');
  });

  test('moves a negative price away from zero by a percentage', () => {
    const { shockPnl } = exposureOf([exposed('60', '-20')], { percent: decimalFrom(10) });
    expect(String(shockPnl)).toBe('-2');
  });

  const position = fc.tuple(fc.bigInt(-(10n ** 12n), 10n ** 12n), fc.bigInt(-(10n ** 9n), 10n ** 9n));

  test('of one position is what the position itself says, and a shock by a cent is its pnl01', () => {
    fc.assert(
      fc.property(position, ([quantity, price]) => {
        const lastPrice = new Decimal(price, 4);
        const alone = { ...flatPosition('AVERAGE_COST'), quantity: new Decimal(quantity, 3) };
        const found = exposureOf([{ position: alone, lastPrice }], { absolute: decimalFrom('0.01') });
        expect(String(found.netNotional)).toBe(String(notional(alone, lastPrice)));
        expect(String(found.shockPnl)).toBe(String(pnl01(alone)));
      }),
    );
  });

  test('is never more net than gross', () => {
    fc.assert(
      fc.property(fc.array(position), (positions) => {
        const all = positions.map(([quantity, price]) => ({
          position: { quantity: new Decimal(quantity, 3) },
          lastPrice: new Decimal(price, 4),
        }));
        const { netMw, grossMw, netNotional, grossNotional } = exposureOf(all);
        expect(grossMw.minus(netMw).sign).not.toBe(-1);
        expect(grossMw.plus(netMw).sign).not.toBe(-1);
        if (netNotional && grossNotional) expect(grossNotional.minus(netNotional).sign).not.toBe(-1);
      }),
    );
  });
});
