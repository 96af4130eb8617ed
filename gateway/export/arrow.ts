import {
  AsyncByteQueue,
  type Data,
  Dictionary,
  Field,
  Float64,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchStreamWriter,
  Schema,
  Struct,
  TimestampMillisecond,
  Utf8,
  vectorFromArray,
} from 'apache-arrow';
import type { Batch, Cell, Column } from './columns.ts';
import { textFrom } from './values.ts';

/** Rows of a record batch, which is in memory as a whole. */
const BATCH_ROWS = 16_384;

/**
 * Arrow's stream of record batches: instants as timestamps (ms, UTC), names as dictionaries, which come again as a whole before a
 * batch that has new ones, exact decimals as text. Units are in the fields' metadata. An empty answer has its schema.
 */
export async function* arrowFrom(
  columns: readonly Column[],
  batches: AsyncIterable<Batch>,
): AsyncGenerator<Uint8Array> {
  const collectors = columns.map(collectorOf);
  const schema = new Schema(columns.map((column, place) => fieldOf(column, collectors[place])));
  const sink = new ByteSink();
  const writer = new RecordBatchStreamWriter().reset(sink, schema);
  let length = 0;
  const flush = () => {
    const children = collectors.map((collector) => collector.take(length));
    writer.write(
      new RecordBatch(schema, makeData({ type: new Struct(schema.fields), length, nullCount: 0, children })),
    );
    length = 0;
  };
  for await (const { lead, rows } of batches) {
    for (const row of rows) {
      for (let place = 0; place < collectors.length; place++) {
        const cell = place < lead.length ? lead[place] : row[place - lead.length];
        collectors[place]?.set(length, cell ?? null);
      }
      if (++length === BATCH_ROWS) {
        flush();
        yield sink.take();
      }
    }
  }
  if (length > 0) flush();
  writer.close();
  yield sink.take();
}

/** What the writer has written since it was last asked: the library's own queue takes whatever comes. */
class ByteSink extends AsyncByteQueue {
  #chunks: Uint8Array[] = [];

  override write(value: ArrayBufferView | ArrayBufferLike): void {
    const view = ArrayBuffer.isView(value) ? value : new Uint8Array(value);
    this.#chunks.push(new Uint8Array(view.buffer, view.byteOffset, view.byteLength));
  }

  take(): Uint8Array {
    const taken = Buffer.concat(this.#chunks);
    this.#chunks = [];
    return taken;
  }
}

type Collected = Float64 | Int32 | TimestampMillisecond | Utf8 | Dictionary<Utf8, Int32>;

/** Values of one column of the record batch that is being filled. */
interface Collector {
  readonly type: Collected;
  set(place: number, cell: Cell): void;
  /** The column, and begins the next. */
  take(length: number): Data<Collected>;
}

function fieldOf({ name, nullable, unit }: Column, collector: Collector | undefined): Field {
  if (!collector) throw new TypeError('a column without a collector');
  return new Field(name, collector.type, nullable, unit === undefined ? null : new Map([['unit', unit]]));
}

function collectorOf(column: Column): Collector {
  switch (column.type) {
    case 'double': {
      const type = new Float64();
      const create = () => new Float64Array(BATCH_ROWS);
      return createNumbers(type, create, Number, (made) => makeData({ type, ...made }));
    }
    case 'integer': {
      const type = new Int32();
      const create = () => new Int32Array(BATCH_ROWS);
      return createNumbers(type, create, Number, (made) => makeData({ type, ...made }));
    }
    case 'instant': {
      const type = new TimestampMillisecond('UTC');
      const create = () => new BigInt64Array(BATCH_ROWS);
      return createNumbers(type, create, BigInt, (made) => makeData({ type, ...made }));
    }
    case 'name':
    case 'flags':
      return createNames(column);
    default:
      return createTexts();
  }
}

/** A bit a row, 1 where there is a value. */
class Validity {
  #bits = new Uint8Array(BATCH_ROWS / 8);
  #nullCount = 0;

  set(place: number, valid: boolean): void {
    if (valid) this.#bits[place >> 3] = (this.#bits[place >> 3] ?? 0) | (1 << (place & 7));
    else this.#nullCount++;
  }

  take(): { nullCount: number; nullBitmap?: Uint8Array } {
    const taken = { nullCount: this.#nullCount, nullBitmap: this.#bits };
    this.#bits = new Uint8Array(BATCH_ROWS / 8);
    this.#nullCount = 0;
    return taken.nullCount === 0 ? { nullCount: 0 } : taken;
  }
}

type Made<Values> = ReturnType<Validity['take']> & { readonly length: number; readonly data: Values };

function createNumbers<Values extends Float64Array | Int32Array | BigInt64Array>(
  type: Collected,
  create: () => Values,
  read: (cell: string) => Values[number],
  dataFrom: (made: Made<Values>) => Data<Collected>,
): Collector {
  let values = create();
  const validity = new Validity();
  return {
    type,
    set: (place, cell) => {
      validity.set(place, cell !== null);
      if (cell !== null) values[place] = read(cell);
    },
    take: (length) => {
      const data = dataFrom({ length, ...validity.take(), data: values });
      values = create();
      return data;
    },
  };
}

/** A batch with names that are new brings the whole dictionary again: not every reader takes what is only added. */
function createNames(column: Column): Collector {
  const type = new Dictionary(new Utf8(), new Int32());
  const indices = new Map<string, number>();
  const names: string[] = [];
  let dictionary = vectorFromArray<Utf8>([], new Utf8());
  let values = new Int32Array(BATCH_ROWS);
  const validity = new Validity();
  const indexOf = (cell: string) => {
    const known = indices.get(cell);
    if (known !== undefined) return known;
    indices.set(cell, names.length);
    return names.push(textFrom(column, cell)) - 1;
  };
  return {
    type,
    set: (place, cell) => {
      validity.set(place, cell !== null);
      if (cell !== null) values[place] = indexOf(cell);
    },
    take: (length) => {
      if (dictionary.length < names.length) dictionary = vectorFromArray(names, new Utf8());
      const data = makeData({ type, length, ...validity.take(), data: values, dictionary });
      values = new Int32Array(BATCH_ROWS);
      return data;
    },
  };
}

function createTexts(): Collector {
  const type = new Utf8();
  let cells: Cell[] = [];
  return {
    type,
    set: (place, cell) => {
      cells[place] = cell;
    },
    take: () => {
      const [data] = vectorFromArray(cells, type).data;
      cells = [];
      return data ?? makeData({ type });
    },
  };
}
