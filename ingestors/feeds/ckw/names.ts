/** Tariffs, by CKW's own names; each a partition of `ckw-tariffs`. The first is what CKW answers where none is named. */
export const TARIFF_NAMES = ['home_dynamic', 'business_dynamic'] as const;

export type TariffName = (typeof TARIFF_NAMES)[number];

export function isTariffName(text: string): text is TariffName {
  return TARIFF_NAMES.some((name) => name === text);
}

/** Plants with a live status, each a partition of `ckw-plant-status`. */
export const PLANTS = ['lutersarni'] as const;

export function isPlant(text: string): boolean {
  return PLANTS.some((name) => name === text);
}

/** Ripple control signals (Tonfrequenz-Rundsteueranlage), the one partition of `ckw-control-signals`. */
export const SIGNALS = 'TRA';

export const CKW = 'CKW';
