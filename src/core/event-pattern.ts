/** Tells whether a subscription's pattern (a name, a prefix with a star, or `*`) covers an event type. */
export function covers(pattern: string, eventType: string): boolean {
  return pattern.endsWith('*') ? eventType.startsWith(pattern.slice(0, -1)) : pattern === eventType;
}
