import { seeded } from '../test/support/random.ts';
import { type Kind, kinds, type Place } from './kinds.ts';

/** Holds what there is in the lab that faults may be done to, by name. */
export interface Scene {
  readonly queue: 'redis' | 'postgres';
  readonly nodes: readonly string[];
  readonly links: readonly string[];
  readonly webhooks: readonly string[];
  readonly consumers: readonly string[];
  readonly subscriptions: readonly string[];
}

/** A fault at its time. */
export interface Fault {
  readonly kind: string;
  readonly target: string;
  /** Seconds since the publishers began. */
  readonly at: number;
  /** Seconds; 0: a moment. */
  readonly lasts: number;
  /** A random number from 0 to 1 for whatever else is left to chance. */
  readonly chance: number;
}

/** The publishers work so long before the first fault, and after the last one has been healed, seconds. */
export const calmBefore = 4;
export const calmAfter = 12;

/** Sets how long a place is left alone after a fault, seconds. */
const rest = 2;

/**
 * The schedule of faults: a pure function of the seed, the minutes and the scene. Kinds are dealt like cards, so that
 * each comes before any comes again; two faults never meet on one target, and do meet on different ones.
 */
export function planFaults(seed: number, minutes: number, scene: Scene): Fault[] {
  const { random } = seeded(seed);
  const known = kinds.filter(kind => scene.queue === 'redis' || kind.onRedisOnly !== true);
  const end = minutes * 60 - calmAfter;
  const meanGap = Math.max(0.5, Math.min(4, (end - calmBefore) / (known.length * 1.4)));
  const faults: Fault[] = [];
  const busyUntil = new Map<string, number>();
  let deck: Kind[] = [];
  for (let at = calmBefore; at < end; at += meanGap * (0.5 + random())) {
    if (deck.length === 0) deck = shuffled(known, random);
    const dealt = deal({ deck, at, end, scene, busyUntil, random });
    if (dealt === undefined) continue;
    deck.splice(deck.indexOf(dealt.kind), 1);
    const { kind, ...fault } = dealt;
    faults.push({ kind: kind.name, ...fault });
    for (const place of occupied(kind, fault.target)) busyUntil.set(place, at + fault.lasts + rest);
  }
  return faults;
}

interface Table {
  readonly deck: readonly Kind[];
  readonly at: number;
  readonly end: number;
  readonly scene: Scene;
  readonly busyUntil: ReadonlyMap<string, number>;
  readonly random: () => number;
}

/** The first card of the deck that has a free target and is over in time. */
function deal({ deck, at, end, scene, busyUntil, random }: Table) {
  const chance = random();
  const length = random();
  const choice = random();
  for (const kind of deck) {
    const [least, most] = kind.lasts;
    const lasts = Math.round((least + (most - least) * length) * 10) / 10;
    if (at + lasts > end) continue;
    const free = targetsOf(kind, scene).filter(target =>
      occupied(kind, target).every(place => (busyUntil.get(place) ?? 0) <= at),
    );
    const target = free[Math.floor(choice * free.length)];
    if (target !== undefined) return { kind, target, at: Math.round(at * 10) / 10, lasts, chance };
  }
  return undefined;
}

function targetsOf({ place, of = '' }: Kind, scene: Scene): readonly string[] {
  const places: Record<Place, readonly string[]> = {
    node: scene.nodes,
    link: scene.links.filter(link => link.startsWith(`${of}-`)),
    database: ['database'],
    queue: ['queue'],
    webhook: scene.webhooks,
    consumer: scene.consumers,
    subscription: scene.subscriptions,
  };
  return places[place];
}

/** The places that a fault occupies: no other is done to them meanwhile. */
export function placesOf({ kind, target }: Fault): string[] {
  const found = kinds.find(({ name }) => name === kind);
  return found === undefined ? [] : occupied(found, target);
}

/** A node's links are its own. */
function occupied({ place }: Kind, target: string): string[] {
  if (place === 'node') return ['database', 'queue', 'front'].map(of => `${of}-${target}`);
  if (place === 'webhook') return [`hook-${target}`];
  if (place === 'subscription') return [`subscription-${target}`];
  return [target];
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map(item => ({ item, at: random() }))
    .sort((a, b) => a.at - b.at)
    .map(({ item }) => item);
}

/** A schedule as text, a fault a line. */
export function planText(faults: readonly Fault[]): string {
  const line = ({ at, kind, target, lasts }: Fault) =>
    `${at.toFixed(1).padStart(7)} s  ${kind.padEnd(24)} ${target}${lasts === 0 ? '' : `, ${lasts.toFixed(1)} s`}`;
  return faults.map(line).join('\n');
}
