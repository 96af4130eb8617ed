import { startCkw } from './ckw.ts';
import { startErcot } from './ercot.ts';
import { startIsone } from './isone.ts';
import { STAND_IN_LOCATIONS } from './isone-report.ts';
import { startMiso } from './miso.ts';
import { startNyiso } from './nyiso.ts';
import { startOasis } from './oasis.ts';
import { startPjm } from './pjm.ts';
import { STAND_IN_NODES } from './pjm-report.ts';
import { LIMIT, listed, opened, SPACING, type StandInPlan } from './plan.ts';
import { startSpp } from './spp.ts';

/** Every vendor that is simulated. Adding one is adding a line here. */
export const STAND_INS: readonly StandInPlan[] = [
  {
    vendor: 'CAISO',
    simulates: 'OASIS: LMP of DAM, HASP, RTPD and RTM, price corrections',
    urls: ['CAISO_OASIS_URL'],
    open: async (given, now) => {
      const nodes = given.CAISO_NODES ?? 'TH_NP15_GEN-APND,TH_SP15_GEN-APND,TH_ZP26_GEN-APND';
      const oasis = await startOasis({ now, nodes: listed(nodes), limits: { spacingMs: 10 } });
      return opened(oasis, {
        CAISO_NODES: nodes,
        CAISO_OASIS_URL: oasis.url,
        CAISO_REQUEST_SPACING_MS: SPACING,
      });
    },
  },
  {
    vendor: 'PJM',
    simulates: 'Data Miner 2: day-ahead, verified and unverified LMP',
    urls: ['PJM_URL'],
    open: async (given, now) => {
      const nodes = given.PJM_NODES ?? '51288=WESTERN HUB,1=PJM-RTO,33092371=COMED';
      const key = given.PJM_API_KEY ?? 'stand-in';
      const pjm = await startPjm({ now, nodes: listed(nodes).map(pjmNode), key, limit: LIMIT });
      return opened(pjm, { PJM_NODES: nodes, PJM_API_KEY: key, PJM_URL: pjm.url, PJM_REQUEST_SPACING_MS: SPACING });
    },
  },
  {
    vendor: 'ERCOT',
    simulates: 'public API with logins: DAM and real-time settlement point prices, SCED LMP',
    urls: ['ERCOT_URL', 'ERCOT_TOKEN_URL'],
    open: async (given, now) => {
      const points = given.ERCOT_NODES ?? 'HB_NORTH,HB_HOUSTON,LZ_WEST';
      const credentials = {
        username: given.ERCOT_USERNAME ?? 'stand-in',
        password: given.ERCOT_PASSWORD ?? 'stand-in',
        subscriptionKey: given.ERCOT_SUBSCRIPTION_KEY ?? 'stand-in',
        ...(given.ERCOT_CLIENT_ID && { clientId: given.ERCOT_CLIENT_ID }),
      };
      const limits = { requestsPerMinute: LIMIT.requests };
      const ercot = await startErcot({ now, points: listed(points), credentials, limits });
      return opened(ercot, {
        ERCOT_NODES: points,
        ERCOT_USERNAME: credentials.username,
        ERCOT_PASSWORD: credentials.password,
        ERCOT_SUBSCRIPTION_KEY: credentials.subscriptionKey,
        ERCOT_URL: ercot.url,
        ERCOT_TOKEN_URL: ercot.tokenUrl,
        ERCOT_REQUEST_SPACING_MS: SPACING,
      });
    },
  },
  {
    vendor: 'MISO',
    simulates: 'market reports, five-minute display and pricing API',
    urls: ['MISO_REPORTS_URL', 'MISO_DISPLAY_URL', 'MISO_PRICING_URL'],
    open: async (given, now) => {
      const nodes = given.MISO_NODES ?? 'INDIANA.HUB,MINN.HUB';
      const key = given.MISO_API_KEY ?? 'stand-in';
      const known = nodes === 'ALL' ? ['INDIANA.HUB', 'MINN.HUB', 'ILLINOIS.HUB', 'ARKANSAS.HUB'] : listed(nodes);
      const miso = await startMiso({ now, nodes: known, key, limit: LIMIT });
      return opened(miso, {
        MISO_NODES: nodes,
        MISO_API_KEY: key,
        MISO_REPORTS_URL: miso.url,
        MISO_DISPLAY_URL: miso.url,
        MISO_PRICING_URL: miso.url,
        MISO_REQUEST_SPACING_MS: SPACING,
      });
    },
  },
  {
    vendor: 'SPP',
    simulates: 'portal: day-ahead and real-time LMP files, of the western market too',
    urls: ['SPP_URL'],
    open: async (given, now) => {
      const nodes = given.SPP_NODES ?? 'SPPNORTH_HUB,SPPSOUTH_HUB,SWPW/SWPW_HUB';
      const known = nodes === 'ALL' ? 'SPPNORTH_HUB,SPPSOUTH_HUB,SWPW/SWPW_HUB' : nodes;
      const spp = await startSpp({ now, locations: listed(known).map(sppLocation), limit: LIMIT });
      return opened(spp, {
        SPP_NODES: nodes,
        SPP_URL: spp.url,
        SPP_REQUEST_SPACING_MS: SPACING,
        // A file an interval: a day of them takes longer than anybody watches.
        SPP_LOOKBACK_HOURS: '6',
      });
    },
  },
  {
    vendor: 'NYISO',
    simulates: 'public files: day-ahead, hourly and five-minute LBMP',
    urls: ['NYISO_URL'],
    open: async (given, now) => {
      const nodes = given.NYISO_NODES ?? 'N.Y.C.,WEST';
      // The files hold whatever was asked for, zones and generators alike: the feed asks for those that it owes.
      const nyiso = await startNyiso({ now, zones: listed(nodes), generators: listed(nodes), limit: LIMIT });
      return opened(nyiso, { NYISO_NODES: nodes, NYISO_URL: nyiso.url, NYISO_REQUEST_SPACING_MS: SPACING });
    },
  },
  {
    vendor: 'ISONE',
    simulates: 'web services: day-ahead, hourly and five-minute LMP, preliminary and final',
    urls: ['ISONE_URL'],
    open: async (given, now) => {
      const nodes = given.ISONE_NODES ?? '4000,4001';
      const username = given.ISONE_USERNAME ?? 'stand-in';
      const password = given.ISONE_PASSWORD ?? 'stand-in';
      const locations = listed(nodes).map(isoneLocation);
      const isone = await startIsone({ now, locations, username, password, limit: LIMIT });
      return opened(isone, {
        ISONE_NODES: nodes,
        ISONE_USERNAME: username,
        ISONE_PASSWORD: password,
        ISONE_URL: isone.url,
        ISONE_REQUEST_SPACING_MS: SPACING,
      });
    },
  },
  {
    vendor: 'CKW',
    simulates: 'dynamic tariffs, live status of Lutersarni, ripple control signals',
    urls: ['CKW_URL', 'CKW_TOKEN_URL'],
    open: async (_, now) => {
      const ckw = await startCkw({ now, limit: LIMIT });
      return opened(ckw, {
        CKW_TARIFFS: 'home_dynamic,business_dynamic',
        CKW_PLANTS: 'lutersarni',
        CKW_CONTROL_SIGNALS: 'true',
        CKW_URL: ckw.url,
        CKW_REQUEST_SPACING_MS: SPACING,
      });
    },
  },
];

/** `51288=WESTERN HUB`, or the id alone. */
function pjmNode(text: string) {
  const [id = '', name] = text.split('=');
  const known = STAND_IN_NODES.find((node) => node.id === Number(id));
  return { id: Number(id), name: name ?? known?.name ?? `NODE ${id}`, type: known?.type ?? 'BUS' };
}

/** `SWPW/SWPW_HUB` is of the western market. */
function sppLocation(text: string) {
  const [, area, name] = /^(SWPW)\/(.+)$/.exec(text) ?? [];
  return { name: name ?? text, area: area ? ('SWPW' as const) : ('SPP' as const) };
}

/** `4000`, or `321=UN.FRNKLNSQ13.810CC`. */
function isoneLocation(text: string) {
  const [id = '', name] = text.split('=');
  const known = STAND_IN_LOCATIONS.find((location) => location.id === id);
  return { id, type: known?.type ?? 'NETWORK NODE', name: name ?? known?.name ?? `UN.NODE ${id}` };
}
