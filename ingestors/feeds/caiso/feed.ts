import { MINUTE_MS } from '../../../domain/instant.ts';
import { defineFeed } from '../../feed.ts';
import { caisoChunks } from './chunks.ts';
import { decodeOasisLmp, publishedAtOf } from './decode.ts';
import { caisoExpectations } from './expectations.ts';
import { createOasisPoller } from './poller.ts';
import { CORRECTIONS } from './reports.ts';
import { CAISO_ENV } from './settings.ts';

/** LMP of the California ISO from OASIS; see README.md in this folder. */
export const caisoLmp = defineFeed({
  id: 'caiso-lmp',
  family: 'lmp',
  title: 'CAISO locational marginal prices (OASIS)',
  streams: {
    'iso.rt.lmp.caiso': ['PRC_INTVL_LMP', 'PRC_RTPD_LMP', 'PRC_HASP_LMP'],
    'iso.da.lmp.caiso': ['PRC_LMP'],
  },
  unknownNodes: 'register',
  decode: decodeOasisLmp,
  publishedAt: publishedAtOf,
  source: {
    kind: 'poll',
    env: CAISO_ENV,
    everyMs: MINUTE_MS,
    partitions: ({ CAISO_NODES, CAISO_REPORTS, CAISO_CORRECTIONS_DAYS }) => {
      if (CAISO_NODES.length === 0) return [];
      return CAISO_CORRECTIONS_DAYS === 0 ? CAISO_REPORTS : [...CAISO_REPORTS, CORRECTIONS];
    },
    expectations: caisoExpectations,
    chunks: caisoChunks,
    open: createOasisPoller,
  },
});
