/** The channel on which appends announce themselves. A notification is a hint: readers also look by themselves. */
export const CHANNEL = 'busbar_log';

/** `<topic> <partition>,<partition>…`; a topic's name holds no blank. */
export function announcement(topic: string, partitions: readonly number[]): string {
  return `${topic} ${partitions.join(',')}`;
}

export function announced(payload: string): { topic: string; partitions: number[] } {
  const [topic = '', partitions = ''] = payload.split(' ');
  return { topic, partitions: partitions.split(',').map(Number) };
}
