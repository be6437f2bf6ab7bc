import { Command, InvalidArgumentError } from 'commander';

/** Holds what a run of the benchmarks is asked for. */
export interface BenchCommand {
  /** A tenth of the work. */
  readonly quick: boolean;
  /** Names of benchmarks, in their order. */
  readonly only: readonly string[];
  /** A PostgreSQL server for the hubs; undefined: each has an embedded one. */
  readonly database: string | undefined;
}

/** Reads the command line; bad usage ends the process with 2. @param names the benchmarks that there are */
export function readBenchCommand(names: readonly string[]): BenchCommand {
  const known = (text: string): string[] => {
    const asked = text.split(',').map(name => name.trim());
    const unknown = asked.find(name => !names.includes(name));
    if (unknown !== undefined)
      throw new InvalidArgumentError(`There is no benchmark ${unknown}. There are: ${names.join(', ')}.`);
    return names.filter(name => asked.includes(name));
  };
  const { quick, only, database } = new Command('npm run bench --')
    .description(
      'Measures the hub against floors, in turns on this machine, and prints figures as ratios: machines are noisy.',
    )
    .option('--quick', 'a tenth of the work: to see that it runs, not to quote', false)
    .option('--only <names>', `these alone, with commas between: ${names.join(', ')}`, known)
    .option(
      '--database <url>',
      'a PostgreSQL server where each hub gets a fresh database; left out: an embedded one each, whose build is made to be small, not fast',
    )
    .addHelpText('after', '\nExample: npm run bench -- --only deliveries,recording')
    .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
    .parse()
    .opts<{ quick: boolean; only?: readonly string[]; database?: string }>();
  return { quick, only: only ?? names, database };
}
