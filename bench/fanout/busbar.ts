/** Busbar's gateway, with the bus in its process. */
import { startGateway } from '../../tests/support/gateway.ts';
import { tick } from '../../tests/support/live.ts';
import { ticksOf } from './protocol.ts';
import { serveEmitting } from './server-process.ts';

const { bus, socketUrl } = await startGateway();
serveEmitting(Number(new URL(socketUrl).port), (number) => {
  const batch = ticksOf(number, Date.now()).map(({ node, lmp, ...rest }) => tick(node, lmp, rest));
  void bus.announce('lmp', { source: 'bench/0', sequence: number, batches: [batch] });
});
