// Exits with 0 while the process in this container is ready. Plain JavaScript, since it starts every ten seconds.
const port = process.argv[2] ?? '4000';
const answer = await fetch(`http://127.0.0.1:${port}/health/ready`).catch(() => undefined);
process.exitCode = answer?.ok ? 0 : 1;
