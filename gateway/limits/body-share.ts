import type { IncomingMessage, ServerResponse } from 'node:http';
import { whenClosed } from '../../runtime/http-service.ts';
import { callerOf } from '../caller.ts';
import { beyondShare, type Shares } from './shares.ts';

/** What each piece of a body takes beside its bytes, of which it may have one. */
const PIECE_BYTES = 128;

/** Told of each piece of a body that is read. @throws BusbarError `RATE_LIMITED` */
export type CountPiece = (bytes: number) => void;

/** Counts what is read of a body to the share of whoever sends it, until the request is answered. */
export function bodyShare(shares: Shares, request: IncomingMessage, response: ServerResponse): CountPiece {
  const { subject } = callerOf(request).identity;
  let held = 0;
  let giveBack = () => {};
  let isClosed = false;
  whenClosed(response, () => {
    isClosed = true;
    giveBack();
  });
  return (bytes) => {
    giveBack();
    held += bytes + PIECE_BYTES;
    const taken = shares.take(subject, held);
    if (!taken) throw beyondShare('bodyBytesUnderWay', shares.max, 'bytes of requests');
    giveBack = taken;
    if (isClosed) giveBack();
  };
}
