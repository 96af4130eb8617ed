import type { IncomingHttpHeaders } from 'node:http';
import { best, preferencesOf, weightOf } from '../encoding/preferences.ts';
import { FORMAT_OF, FORMATS, type FormatName } from './formats.ts';

/** What the client would rather have by its `Accept`; CSV where it says nothing. @returns undefined where it takes none. */
export function acceptedFormat({ accept }: IncomingHttpHeaders): FormatName | undefined {
  const ranges = preferencesOf(accept ?? '*/*');
  return best(FORMATS, (name) => weightOf(FORMAT_OF[name].mediaType, ranges));
}
