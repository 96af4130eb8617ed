import { setTimeout as pause } from 'node:timers/promises';
import { WebSocket } from 'ws';
import { createClient } from '../../client/client.ts';
import { LmpUpdatesDocument, type PriceFragment } from '../../client/generated/graphql.ts';
import { isRequestError } from '../../client/request-error.ts';
import { ALL_RIGHTS } from '../../domain/rights.ts';
import { keysFromSecrets } from '../../gateway/cursors/cursor-keys.ts';
import { createSeal } from '../../gateway/cursors/cursor-seal.ts';
import { cursorBinding } from '../../gateway/live/sealed-live.ts';
import { Secret } from '../../runtime/secret.ts';
import { LiveRecord } from '../faults/live-record.ts';
import { CURSOR_SECRET } from '../faults/stage.ts';

/** Somebody who listens to all prices through a gateway, and comes back with the cursor whenever it goes away. */
export interface GatewaySubscriber {
  readonly record: LiveRecord;
  readonly interruptions: number;
  /** Up to where everything is recorded, as the gateway gave it out. */
  readonly cursor: string | undefined;
  /** Rejects where the client gave up: with `CURSOR_EXPIRED` where what came after the cursor is gone. */
  readonly failed: Promise<never>;
  /** Resolves when everything up to a place on the bus was seen; throws where that takes too long, or the client gave up. */
  reached(place: string, msMax: number): Promise<void>;
  stop(): Promise<void>;
}

const RUN = 'REAL_TIME_5_MIN';

/** Updates that may wait here while this process has other things to do. */
const FRAMES_MAX = 1_000_000;

/** The cursor that gateways of a stage give out for a place on the bus. */
export function cursorAt(place: string): string {
  const keys = keysFromSecrets([new Secret(CURSOR_SECRET)]);
  return createSeal(() => keys)
    .boundTo(cursorBinding(ALL_RIGHTS, 'lmp', { run: RUN }))
    .seal(place);
}

/**
 * @param after where it begins; undefined: with what comes now.
 * @param record of somebody who listened before, to go on with.
 */
export function subscribeThroughGateway(
  url: string,
  after: string | undefined,
  record = new LiveRecord(),
): GatewaySubscriber {
  const client = createClient({
    url,
    webSocketImpl: WebSocket,
    backoff: { attemptsMax: Number.MAX_SAFE_INTEGER, delayMsMax: 1_000 },
  });
  let cursor = after;
  let interruptions = 0;
  const onInterrupted = () => {
    interruptions += 1;
  };
  const follow = async () => {
    const updates = client.subscribe(
      LmpUpdatesDocument,
      { run: RUN, ...(cursor !== undefined && { after: cursor }) },
      { framesMax: FRAMES_MAX, onInterrupted },
    );
    for await (const { lmp } of updates) {
      for (const price of lmp.ticks) record.add(tickOf(price));
      cursor = lmp.cursor;
    }
  };
  /** Who fell behind is told so, with the cursor to go on from. */
  const followOn = async (): Promise<void> => {
    try {
      await follow();
    } catch (error) {
      if (!isRequestError(error, 'LIMIT_EXCEEDED') || error.cursor === undefined) throw error;
      cursor = error.cursor;
      interruptions += 1;
      await followOn();
    }
  };
  const following = followOn();
  const failed = following.then(() => Promise.reject(new Error('the subscription ended')));
  failed.catch(() => undefined);
  return {
    record,
    failed,
    get interruptions() {
      return interruptions;
    },
    get cursor() {
      return cursor;
    },
    async reached(end, msMax) {
      const wanted = cursorAt(end);
      for (const deadline = Date.now() + msMax; cursor !== wanted; await Promise.race([pause(50), failed])) {
        if (Date.now() > deadline) throw new Error(`the subscriber is at ${cursor} instead of ${wanted}`);
      }
    },
    async stop() {
      client.close();
      await following;
    },
  };
}

function tickOf({ node, start, revision, lmp, energy, congestion, loss }: PriceFragment) {
  return { node: node.id, startAt: Date.parse(start), revision, lmp, energy, congestion, loss };
}
