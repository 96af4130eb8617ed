import { BusbarError } from '../../../domain/errors.ts';
import { localNameOf, marketOf, type NodeName, nodeNameFrom } from '../../../domain/market.ts';

/**
 * The API is asked by location id and answers with names, and Busbar knows a node by its name. These are the locations that
 * are the same for everybody: the hub, the load zones and the external nodes (web service `locations`, without the reserve
 * zones, which have no LMP). There are about 1,200 network nodes more, which come and go: their names are in the settings or
 * are not known.
 */
const NAMES: ReadonlyMap<string, string> = new Map([
  ['4000', '.H.INTERNAL_HUB'],
  ['4001', '.Z.MAINE'],
  ['4002', '.Z.NEWHAMPSHIRE'],
  ['4003', '.Z.VERMONT'],
  ['4004', '.Z.CONNECTICUT'],
  ['4005', '.Z.RHODEISLAND'],
  ['4006', '.Z.SEMASS'],
  ['4007', '.Z.WCMASS'],
  ['4008', '.Z.NEMASSBOST'],
  ['4010', '.I.SALBRYNB345 1'],
  ['4011', '.I.ROSETON 345 1'],
  ['4012', '.I.HQ_P1_P2345 5'],
  ['4013', '.I.HQHIGATE120 2'],
  ['4014', '.I.SHOREHAM138 99'],
  ['4017', '.I.NRTHPORT138 5'],
]);

const IDS: ReadonlyMap<string, string> = new Map([...NAMES].map(([id, name]) => [name, id]));

/** A location to poll. */
export interface Location {
  readonly id: string;
  /** Its name as the answers have it; undefined where it is not known before its prices come. */
  readonly name: string | undefined;
}

/** `4000` or `321=UN.FRNKLNSQ13.810CC` */
export function locationFrom(text: string): Location {
  const equals = text.indexOf('=');
  return equals < 0
    ? { id: text, name: NAMES.get(text) }
    : { id: text.slice(0, equals), name: text.slice(equals + 1).trim() };
}

/** Whether each is a location and none comes twice. */
export function areLocations(list: readonly Location[]): boolean {
  const named = (name: string | undefined) => name === undefined || nodeNameFrom('ISONE', name) !== undefined;
  const ids = new Set(list.map(({ id }) => id));
  return ids.size === list.length && list.every(({ id, name }) => isLocationId(id) && named(name));
}

export function isLocationId(text: string): boolean {
  return /^[1-9]\d{0,9}$/.test(text);
}

export function nodeOfLocation({ name }: Location): NodeName | undefined {
  return name === undefined ? undefined : nodeNameFrom('ISONE', name);
}

/**
 * `ISONE:.Z.MAINE` → `4001`. No location is named by digits, so `ISONE:321` is taken as the id itself.
 * @param known those of the settings, beside the ones that are the same for everybody.
 * @throws BusbarError `BAD_USER_INPUT` for a node of another market, or a name whose id is not known.
 */
export function locationIdOf(node: NodeName, known: readonly Location[]): string {
  if (marketOf(node).id !== 'ISONE') {
    throw new BusbarError('BAD_USER_INPUT', `${node} is no node of ISO-NE: name nodes as in ISONE:.H.INTERNAL_HUB`);
  }
  const name = localNameOf(node);
  const id = isLocationId(name) ? name : (known.find((each) => each.name === name)?.id ?? IDS.get(name));
  if (id !== undefined) return id;
  throw new BusbarError(
    'BAD_USER_INPUT',
    `ISO-NE is asked by location id, and that of ${node} is not known: name its id instead, as in ISONE:321`,
  );
}
