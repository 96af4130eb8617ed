/** What questions are made of, whatever they ask about. Instants are milliseconds UTC. */
export type Delivery = 'EVERY' | 'LATEST';

export type Resolution = 'RAW' | 'FIFTEEN_MINUTES' | 'HOUR' | 'DAY' | 'MONTH';

/** Half-open: `[from, to)`. */
export interface Range {
  readonly from: number;
  readonly to: number;
}

/** A page forwards: at most `first` items after the position of a cursor. */
export interface Page<Position> {
  readonly first: number;
  readonly after: Position | undefined;
}

export interface Slice<Row> {
  readonly rows: readonly Row[];
  readonly hasNextPage: boolean;
}
