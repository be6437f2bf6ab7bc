/** The seed of a file's properties, printed so that a failure can be run again. */
export function propertySeed(what: string): number {
  const seed = Number(process.env.FC_SEED ?? Math.floor(Math.random() * 2 ** 31));
  console.log(`${what} properties: seed ${seed} (set FC_SEED to run it again)`);
  return seed;
}
