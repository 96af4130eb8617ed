/** The time of CKW's days: 92, 96 or 100 quarter hours. */
export const ZURICH = 'Europe/Zurich';
