import { readFile } from 'node:fs/promises';

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

export interface Readme {
  readonly text: string;
  /** In their order. */
  readonly blocks: readonly CodeBlock[];
}

export async function readReadme(): Promise<Readme> {
  const text = await readFile(new URL('../../README.md', import.meta.url), 'utf8');
  const blocks = [...text.matchAll(/^```(\w+)\n(.*?)^```$/gms)].map(([, language = '', block = '']) => ({
    language,
    text: block,
  }));
  return { text, blocks };
}
