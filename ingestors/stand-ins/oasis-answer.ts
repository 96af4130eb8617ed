import type { Answer } from './stand-in.ts';
import { zipOf } from './zip-writer.ts';

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

export function errorAnswer(code: number, name: string, now: number): Answer {
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

export function zipped(members: readonly TextMember[], what = members.map((member) => member.name).join(' ')): Answer {
  const bytes = zipOf(members.map(({ name, text }) => ({ name, bytes: Buffer.from(text) })));
  return { status: 200, type: 'application/x-zip-compressed', name: what, body: bytes };
}

export function plain(status: number, text: string): Answer {
  return { status, type: 'text/plain', name: text, body: `${text}\n` };
}
