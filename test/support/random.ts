/** A stream of random numbers that a seed repeats (mulberry32). `HUB_TEST_SEED` sets the seed; print it. */
export function seeded(seed = Number(process.env.HUB_TEST_SEED ?? Math.floor(Math.random() * 2 ** 31))): {
  random: () => number;
  seed: number;
} {
  let state = seed >>> 0;
  const random = () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  return { random, seed };
}
