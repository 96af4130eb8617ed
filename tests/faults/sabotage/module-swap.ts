/** A loader hook: whoever imports one module is given another, which alone can import the first. */
import type { InitializeHook, ResolveHook } from 'node:module';

export interface Swap {
  readonly module: string;
  readonly replacement: string;
}

let swap: Swap | undefined;

export const initialize: InitializeHook<Swap> = (data) => {
  swap = data;
};

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const found = await nextResolve(specifier, context);
  if (found.url !== swap?.module || context.parentURL === swap.replacement) return found;
  return { ...found, url: swap.replacement };
};
