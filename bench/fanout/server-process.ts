import type { FromServer, ToServer } from './protocol.ts';

/** Tells the parent the port, and does what it says. */
export function serveEmitting(port: number, emit: (number: number) => void): void {
  const tell = (message: FromServer) => process.send?.(message);
  process.on('message', (message: ToServer) => {
    if ('emit' in message) emit(message.emit);
    else tell({ rssBytes: process.memoryUsage().rss });
  });
  process.on('disconnect', () => process.exit(0));
  tell({ port });
}
