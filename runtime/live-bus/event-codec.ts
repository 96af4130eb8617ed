/**
 * How the events of one channel stand in Redis, and packed in a ring: an entry's events are the text of one field.
 *
 * A change of what is written is a new format. The format is part of the stream's key, so that processes of two versions
 * never misread each other.
 */
export interface EventCodec<Event> {
  readonly format: number;
  /** The entry's field that holds the text. */
  readonly field: string;
  readonly encode: (events: readonly Event[]) => string;
  readonly decode: (text: string) => readonly Event[];
}

/** Events as they are, with their names: for channels that carry hundreds a second rather than tens of thousands. */
export function jsonCodec<Event>(format: number, field: string): EventCodec<Event> {
  return { format, field, encode: (events) => JSON.stringify(events), decode: (text): Event[] => JSON.parse(text) };
}
