import type { Fault } from './oasis-faults.ts';
import { zipOf } from './zip-writer.ts';

/** What the stand-in answers: bytes, or nothing until the connection is closed. */
export type Answer = SentAnswer | StallAnswer;

export interface SentAnswer {
  readonly status: number;
  readonly type: string;
  /** For the log. */
  readonly name: string;
  readonly bytes: Buffer;
}

export interface StallAnswer {
  readonly stallMs: number;
}

const ERRORS: Readonly<Record<number, string>> = {
  1000: 'No data returned for the specified selection',
  1001: 'No data returned for the specified market run',
  1002: 'Invalid date format, please use valid date format',
  1003: 'Timed out waiting for query response',
  1004: 'Data can be requested for period of 31 days only',
  1005: 'Report name does not exist, please use valid report name',
  1014: 'The start date is too old',
  1015: 'The request is in processing',
  1016: 'Invalid group',
  1017: 'At most 10 nodes can be requested',
  1018: 'Multiple hours cannot be requested for all nodes',
  1020: 'Invalid version',
};

export function answerFor(fault: Fault, now: number): Answer {
  if ('stallMs' in fault) return fault;
  if ('oasisCode' in fault) return errorAnswer(fault.oasisCode, 'INVALID_REQUEST.xml', now);
  if ('damaged' in fault) {
    const whole = errorAnswer(1000, 'DAMAGED.xml', now);
    return { ...whole, name: 'damaged', bytes: whole.bytes.subarray(0, whole.bytes.length / 2) };
  }
  if ('status' in fault) return plain(fault.status, 'try again later');
  const page = '<!DOCTYPE html>\n<html><body><h1>Too many requests</h1></body></html>\n';
  return { status: 200, type: 'text/html', name: 'page', bytes: Buffer.from(page) };
}

export function errorAnswer(code: number, name: string, now: number): SentAnswer {
  const document = `<?xml version="1.0" encoding="UTF-8"?>
<m:OASISReport xmlns:m="http://www.caiso.com/soa/OASISReport_v1.xsd">
<m:MessageHeader><m:TimeDate>${new Date(now).toISOString()}</m:TimeDate><m:Source>OASIS</m:Source></m:MessageHeader>
<m:MessagePayload><m:RTO><m:name>CAISO</m:name>
<m:ERROR><m:ERR_CODE>${code}</m:ERR_CODE><m:ERR_DESC>${ERRORS[code] ?? 'Unknown'}</m:ERR_DESC></m:ERROR>
</m:RTO></m:MessagePayload></m:OASISReport>
`;
  return zipped([{ name, text: document }], `error ${code}`);
}

export interface TextMember {
  readonly name: string;
  readonly text: string;
}

export function zipped(
  members: readonly TextMember[],
  what = members.map((member) => member.name).join(' '),
): SentAnswer {
  const bytes = zipOf(members.map(({ name, text }) => ({ name, bytes: Buffer.from(text) })));
  return { status: 200, type: 'application/x-zip-compressed', name: what, bytes };
}

export function plain(status: number, text: string): SentAnswer {
  return { status, type: 'text/plain', name: text, bytes: Buffer.from(`${text}\n`) };
}
