/** The same text for filters that mean the same: in whatever order their parts, and what a list of them names, are given. */
export function filterKey(filter: object): string {
  const parts = Object.entries(filter).filter(([, value]) => value !== undefined);
  return JSON.stringify(parts.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, value]) => [name, normal(value)]));
}

function normal(value: unknown): unknown {
  return Array.isArray(value) ? [...new Set(value)].sort() : value;
}
