// Exits with 0 while the process in this container is ready. Plain JavaScript, since it starts every ten seconds.
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';

const port = process.argv[2] ?? '4000';
// The certificate is for the names that others call it by; here it is asked whether it is ready, not who it is.
const [get, scheme] = process.env.TLS_CERT ? [getSecure, 'https'] : [getPlain, 'http'];
process.exitCode = 1;
get(`${scheme}://127.0.0.1:${port}/health/ready`, { rejectUnauthorized: false, timeout: 4_000 }, (response) => {
  process.exitCode = response.statusCode === 200 ? 0 : 1;
  response.resume();
}).on('error', () => undefined);
