import type { Command } from 'commander';
import { expect, it } from 'vitest';
import { createProgram } from './program.ts';

const program = createProgram({ environment: {}, now: Date.parse('2025-07-01T00:00Z'), terminal: process });

function commandsOf(command: Command): Command[] {
  return [command, ...command.commands.flatMap(commandsOf)];
}

function helpOf(command: Command): string {
  let help = '';
  const writeOut = (text: string) => {
    help += text;
  };
  command.configureOutput({ writeOut, getOutHelpWidth: () => 200 }).outputHelp();
  return help;
}

it.each(commandsOf(program).map((command) => [command.name(), command] as const))(
  'the help of %s fits 80 columns, on a terminal of any width',
  (_, command) => {
    const lines = helpOf(command).split('\n');
    expect(lines.length).toBeGreaterThan(3);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  },
);
