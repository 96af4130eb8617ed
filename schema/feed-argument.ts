/** How the mutations describe the argument that takes a feed. */
export const FEED_ARGUMENT =
  'The feed’s id, or the name of one of its streams, which stands for a part of its partitions.';
