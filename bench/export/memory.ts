/** Tells the parent where this process serves, and of each reading the most memory that it had meanwhile. */
export function tellMemory(url: string): void {
  let rssBytes = 0;
  setInterval(() => {
    rssBytes = Math.max(rssBytes, process.memoryUsage.rss());
  }, 5).unref();
  process.on('message', (what) => {
    if (what === 'begin') rssBytes = process.memoryUsage.rss();
    process.send?.({ rssBytes });
  });
  process.send?.({ url });
}
