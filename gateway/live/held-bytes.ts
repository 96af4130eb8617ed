const OBJECT_BYTES = 24;
const SLOT_BYTES = 8;
/** Also of a number that is none of the small whole ones. */
const TEXT_BYTES = 16;

/** About what a value keeps of memory. @param value plain data without cycles. */
export function heldBytes(value: unknown): number {
  if (typeof value === 'string') return TEXT_BYTES + value.length;
  if (typeof value === 'number') return TEXT_BYTES;
  if (typeof value !== 'object' || value === null) return 0;
  let bytes = OBJECT_BYTES;
  for (const each of Array.isArray(value) ? value : Object.values(value)) bytes += SLOT_BYTES + heldBytes(each);
  return bytes;
}
