import { builder } from './builder.ts';

export const Delivery = builder.enumType('Delivery', {
  description: 'What a subscriber gets that reads more slowly than events come.',
  values: {
    EVERY: {
      description:
        'Every event, in order. Whoever falls too far behind is closed with LIMIT_EXCEEDED and the cursor to resume from.',
    },
    LATEST: {
      description:
        'The newest price or forecast of each node and run, the newest state of each position; what it replaced while waiting is dropped.',
    },
  } as const,
});
