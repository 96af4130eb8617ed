import { readFile } from 'node:fs/promises';
import {
  type GraphQLSchema,
  isEnumType,
  isInputObjectType,
  isInterfaceType,
  isObjectType,
  isSpecifiedScalarType,
  printSchema,
} from 'graphql';
import { describe, expect, it } from 'vitest';
import { schema } from './schema.ts';

describe('the contract', () => {
  it('describes every type, field, argument and value', () => {
    expect(undescribed(schema)).toEqual([]);
  });

  it('is the one written in schema.graphql', async () => {
    expect(await readFile(new URL('./schema.graphql', import.meta.url), 'utf8')).toBe(`${printSchema(schema)}\n`);
  });

  it.each([
    ['markets', '[Market!]!'],
    ['pricingNodes', 'PricingNodeConnection!'],
    ['latestLmp', '[Lmp!]!'],
    ['lmps', 'LmpConnection!'],
    ['lmpSeries', '[LmpSeries!]!'],
    ['dartSpread', '[DartSeries!]!'],
    ['feeds', '[Feed!]!'],
    ['feed', 'Feed'],
    ['ledger', 'LedgerEntryConnection!'],
    ['deadLetters', 'DeadLetterConnection!'],
    ['job', 'Job'],
    ['jobs', 'JobConnection!'],
    ['auditLog', 'AuditEntryConnection!'],
    ['apiHealth', '[SourceHealth!]!'],
    ['apiAlerts', 'ApiAlertConnection!'],
    ['trades', 'TradeConnection!'],
    ['positions', '[Position!]!'],
    ['pnlSeries', '[PnlSeries!]!'],
    ['exposure', '[Exposure!]!'],
    ['forecasts', '[Forecast!]!'],
    ['marketMetrics', '[MarketMetric!]!'],
    ['priceTrends', '[PriceTrend!]!'],
    ['accounts', '[Account!]!'],
    ['tariffs', '[TariffPrice!]!'],
    ['tariffComparison', 'TariffComparison!'],
    ['plantStatus', '[PlantStatus!]!'],
    ['plantHistory', '[PlantStatus!]!'],
    ['controlSignals', '[ControlSignal!]!'],
  ])('answers %s with %s', (field, type) => {
    expect(String(schema.getQueryType()?.getFields()[field]?.type)).toBe(type);
  });

  it.each([
    ['backfill', ['input: BackfillInput!'], 'JobPayload!'],
    ['replay', ['input: ReplayInput!'], 'JobPayload!'],
    ['repair', ['input: RepairInput!'], 'JobPayload!'],
    ['cancelJob', ['id: ID!'], 'JobPayload!'],
    ['retryDeadLetters', ['feed: ID!', 'ids: [ID!]'], 'JobPayload!'],
    ['discardDeadLetters', ['feed: ID!', 'ids: [ID!]', 'reason: String!'], 'DiscardPayload!'],
  ])('changes by %s(%j) with the answer %s', (field, args, type) => {
    const mutation = schema.getMutationType()?.getFields()[field];
    expect(mutation?.args.map((arg) => `${arg.name}: ${arg.type}`)).toEqual(args);
    expect(String(mutation?.type)).toBe(type);
  });

  it.each([
    ['BackfillInput', ['feed: ID!', 'from: DateTime!', 'nodes: [ID!]', 'partitions: [String!]', 'to: DateTime!']],
    ['ReplayInput', ['feed: ID!', 'from: DateTime!', 'into: LogRangeInput', 'partitions: [String!]', 'to: DateTime!']],
    ['LogRangeInput', ['fromOffset: Long!', 'partition: Int!', 'toOffset: Long!']],
    ['RepairInput', ['feed: ID!', 'from: DateTime!', 'nodes: [ID!]', 'partitions: [String!]', 'to: DateTime!']],
  ])('takes %s with %j', (name, fields) => {
    const type = schema.getType(name);
    const found = isInputObjectType(type) ? Object.values(type.getFields()) : [];
    expect(found.map((field) => `${field.name}: ${field.type}`).sort()).toEqual(fields);
  });

  it.each([
    ['lmp', 'LmpUpdate!'],
    ['trades', 'TradeUpdate!'],
    ['pnl', 'PnlUpdate!'],
    ['forecasts', 'ForecastUpdate!'],
    ['jobProgress', 'Job!'],
    ['feedHealth', '[Feed!]!'],
    ['apiHealth', '[SourceHealth!]!'],
  ])('streams %s as %s', (field, type) => {
    expect(String(schema.getSubscriptionType()?.getFields()[field]?.type)).toBe(type);
  });

  it('names the columns of a series as promised', () => {
    const type = schema.getType('LmpSeries');
    const fields = isObjectType(type) ? Object.values(type.getFields()) : [];
    expect(Object.fromEntries(fields.map((field) => [field.name, String(field.type)]))).toEqual({
      node: 'PricingNode!',
      run: 'MarketRun!',
      resolution: 'Resolution!',
      start: '[DateTime!]!',
      lmp: '[Float]!',
      energy: '[Float]!',
      congestion: '[Float]!',
      loss: '[Float]!',
      min: '[Float]',
      max: '[Float]',
      open: '[Float]',
      close: '[Float]',
    });
  });

  it('names what a position is as promised', () => {
    const type = schema.getType('Position');
    const fields = isObjectType(type) ? type.getFields() : {};
    const promised = [
      'account',
      'node',
      'positionMw',
      'avgPrice',
      'lastPrice',
      'realizedPnl',
      'unrealizedPnl',
      'totalPnl',
    ];
    expect([...promised, 'asOf'].map((name) => `${name}: ${fields[name]?.type}`)).toEqual([
      'account: String!',
      'node: PricingNode!',
      'positionMw: Float!',
      'avgPrice: Float!',
      // Open positions at a node without a price have none.
      'lastPrice: Float',
      'realizedPnl: Decimal!',
      'unrealizedPnl: Decimal',
      'totalPnl: Decimal',
      'asOf: DateTime!',
    ]);
  });

  it('pages forwards only', () => {
    const names = schema
      .getQueryType()
      ?.getFields()
      .lmps?.args.map(({ name }) => name);
    expect(names?.sort()).toEqual(['after', 'first', 'from', 'nodes', 'run', 'to']);
  });
});

function undescribed(of: GraphQLSchema): string[] {
  const types = Object.values(of.getTypeMap()).filter(
    (type) => !type.name.startsWith('__') && !isSpecifiedScalarType(type),
  );
  return types.flatMap((type) => {
    const missing = type.description ? [] : [type.name];
    if (isEnumType(type))
      return [
        ...missing,
        ...type
          .getValues()
          .filter((value) => !value.description)
          .map((value) => `${type.name}.${value.name}`),
      ];
    if (isInputObjectType(type))
      return [
        ...missing,
        ...Object.values(type.getFields())
          .filter((field) => !field.description)
          .map((field) => `${type.name}.${field.name}`),
      ];
    if (!isObjectType(type) && !isInterfaceType(type)) return missing;
    const fields = Object.values(type.getFields());
    return [
      ...missing,
      ...fields.filter((field) => !field.description).map((field) => `${type.name}.${field.name}`),
      ...fields.flatMap((field) =>
        field.args.filter((arg) => !arg.description).map((arg) => `${type.name}.${field.name}(${arg.name})`),
      ),
    ];
  });
}
