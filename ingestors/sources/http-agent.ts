import type { Agent, Dispatcher } from 'undici';

type RequestOptions = Omit<Dispatcher.RequestOptions, 'origin' | 'path'>;

/** Connections to one source. Undici takes 0.2 s to load, so it comes with the first request: most processes never ask. */
export interface HttpAgent {
  /**
   * Resolves when requests leave at once. To be awaited before a turn is taken: a request that waits for its agent behind its turn would
   * meet the next one at the source.
   */
  ready(): Promise<void>;
  request(url: string, options: RequestOptions): Promise<Dispatcher.ResponseData>;
  /** Drops open connections; requests under way fail, and so do later ones. */
  close(): Promise<void>;
}

export function createHttpAgent(options: Agent.Options): HttpAgent {
  let opened: Promise<Agent> | undefined;
  let closed = false;
  const open = async () => {
    const { Agent } = await import('undici');
    return new Agent(options);
  };
  const agentNow = () => {
    opened ??= open();
    return opened;
  };
  return {
    ready: async () => void (await agentNow()),
    request: async (url, asked) => {
      const [agent, { request }] = await Promise.all([agentNow(), import('undici')]);
      if (closed) await agent.destroy();
      return request(url, { ...asked, dispatcher: agent });
    },
    close: async () => {
      closed = true;
      await (await opened)?.destroy();
    },
  };
}
