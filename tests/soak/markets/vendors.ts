/** The eight vendors as a run has them: each stand-in with the limits of the vendor, and with what can go wrong there. */
import { startCkw } from '../../../ingestors/stand-ins/ckw.ts';
import { startErcot } from '../../../ingestors/stand-ins/ercot.ts';
import { startIsone } from '../../../ingestors/stand-ins/isone.ts';
import { startMiso } from '../../../ingestors/stand-ins/miso.ts';
import { startNyiso } from '../../../ingestors/stand-ins/nyiso.ts';
import { startOasis } from '../../../ingestors/stand-ins/oasis.ts';
import type { PricedMarket } from '../../../ingestors/stand-ins/oracle.ts';
import { startPjm } from '../../../ingestors/stand-ins/pjm.ts';
import { STAND_IN_NODES } from '../../../ingestors/stand-ins/pjm-report.ts';
import { startSpp } from '../../../ingestors/stand-ins/spp.ts';
import type { Counts, StandIn, StandInOptions } from '../../../ingestors/stand-ins/stand-in.ts';
import { TROUBLES } from '../../../ingestors/stand-ins/trouble.ts';
import type { Environment } from '../../../runtime/config.ts';

export interface VendorPlan {
  /** As calls name it. */
  readonly source: string;
  readonly feeds: readonly string[];
  readonly market: PricedMarket | undefined;
  open(options: StandInOptions): Promise<OpenVendor>;
}

export interface OpenVendor {
  readonly environment: Environment;
  readonly counts: Counts;
  /** From now on each of the troubles is so large a share of the answers; 0 ends it. */
  failing(shareOfEach: number): void;
  close(): Promise<void>;
}

/** Those of whom no limit is known are held to what their feed promises: a request a second. */
const A_SECOND = { requests: 1, windowMs: 1_000 };
/** Of those that ask for no credentials. */
const OPEN = TROUBLES.filter((trouble) => trouble !== 'AUTH');

export const VENDORS: readonly VendorPlan[] = [
  {
    source: 'CAISO',
    feeds: ['caiso-lmp'],
    market: 'CAISO',
    open: async (options) => {
      const nodes = ['TH_NP15_GEN-APND', 'TH_SP15_GEN-APND'];
      const oasis = await startOasis({ ...options, nodes });
      return opened(oasis, OPEN, { CAISO_NODES: nodes.join(), CAISO_OASIS_URL: oasis.url });
    },
  },
  {
    source: 'PJM',
    feeds: ['pjm-lmp'],
    market: 'PJM',
    open: async (options) => {
      const pjm = await startPjm({ ...options, nodes: STAND_IN_NODES, key: 'key-of-pjm' });
      const environment = { PJM_NODES: '51288=WESTERN HUB,1=PJM-RTO', PJM_API_KEY: 'key-of-pjm', PJM_URL: pjm.url };
      return opened(pjm, TROUBLES, environment);
    },
  },
  {
    source: 'ERCOT',
    feeds: ['ercot-lmp'],
    market: 'ERCOT',
    open: async (options) => {
      const points = ['HB_NORTH', 'LZ_WEST'];
      const credentials = { username: 'trader', password: 'word-of-ercot', subscriptionKey: 'key-of-ercot' };
      const ercot = await startErcot({ ...options, points, credentials });
      return opened(ercot, TROUBLES, {
        ERCOT_NODES: points.join(),
        ERCOT_USERNAME: credentials.username,
        ERCOT_PASSWORD: credentials.password,
        ERCOT_SUBSCRIPTION_KEY: credentials.subscriptionKey,
        ERCOT_URL: ercot.url,
        ERCOT_TOKEN_URL: ercot.tokenUrl,
      });
    },
  },
  {
    source: 'MISO',
    feeds: ['miso-lmp'],
    market: 'MISO',
    open: async (options) => {
      const nodes = ['INDIANA.HUB', 'MINN.HUB'];
      const miso = await startMiso({ ...options, nodes, key: 'key-of-miso' });
      return opened(miso, TROUBLES, {
        MISO_NODES: nodes.join(),
        MISO_API_KEY: 'key-of-miso',
        MISO_REPORTS_URL: miso.url,
        MISO_DISPLAY_URL: miso.url,
        MISO_PRICING_URL: miso.url,
      });
    },
  },
  {
    source: 'SPP',
    feeds: ['spp-lmp'],
    market: 'SPP',
    open: async (options) => {
      const locations = [{ name: 'SPPNORTH_HUB', area: 'SPP' } as const, { name: 'SWPW_HUB', area: 'SWPW' } as const];
      const spp = await startSpp({ ...options, locations, limit: A_SECOND });
      return opened(spp, OPEN, { SPP_NODES: 'SPPNORTH_HUB,SWPW/SWPW_HUB', SPP_URL: spp.url });
    },
  },
  {
    source: 'NYISO',
    feeds: ['nyiso-lmp'],
    market: 'NYISO',
    open: async (options) => {
      const nyiso = await startNyiso({ ...options, zones: ['N.Y.C.', 'WEST'], limit: A_SECOND });
      return opened(nyiso, OPEN, { NYISO_NODES: 'N.Y.C.,WEST', NYISO_URL: nyiso.url });
    },
  },
  {
    source: 'ISO-NE',
    feeds: ['isone-lmp'],
    market: 'ISONE',
    open: async (options) => {
      const user = { username: 'trader', password: 'word-of-isone' };
      const isone = await startIsone({ ...options, ...user, limit: A_SECOND });
      return opened(isone, TROUBLES, {
        ISONE_NODES: '4000,4001',
        ISONE_USERNAME: user.username,
        ISONE_PASSWORD: user.password,
        ISONE_URL: isone.url,
      });
    },
  },
  {
    source: 'CKW',
    feeds: ['ckw-tariffs', 'ckw-plant-status', 'ckw-control-signals'],
    market: undefined,
    open: async (options) => {
      const ckw = await startCkw(options);
      return opened(ckw, OPEN, {
        CKW_TARIFFS: 'home_dynamic,business_dynamic',
        CKW_PLANTS: 'lutersarni',
        CKW_CONTROL_SIGNALS: 'true',
        CKW_URL: ckw.url,
      });
    },
  },
];

function opened<Fault>(
  { counts, failing, close }: Pick<StandIn<Fault, unknown>, 'counts' | 'failing' | 'close'>,
  troubles: readonly Fault[],
  environment: Environment,
): OpenVendor {
  return {
    environment,
    counts,
    close,
    failing: (shareOfEach) => failing(shareOfEach > 0 ? { share: shareOfEach * troubles.length, troubles } : undefined),
  };
}
