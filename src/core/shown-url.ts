const uuid = /^[\da-f]{8}(?:-[\da-f]{4}){3}-[\da-f]{12}$/i;
/** A part of a name that people give: letters, then digits perhaps (`v2`, `20251219`). */
const wordLike = /^\p{L}{0,24}\d{0,8}$/u;
const secretName = /key|token|secret|sig|auth|pass|pwd|code|ticket/i;

/** Below this many characters a text is too short to be told from a word. */
const tokenChars = 16;

/**
 * An address for those whose own it is not: without its query, and without the parts of its path that look like tokens.
 * Robots of chat services and many gateways take whoever knows the whole address for the caller.
 */
export function shownUrl(url: string): string {
  const parsed = URL.parse(url);
  if (parsed === null) return '…';
  const path = parsed.pathname.split('/').map(part => (isToken(part) ? '…' : part));
  const shown = `${parsed.protocol}//${parsed.host}${path.join('/')}${parsed.search === '' ? '' : '?…'}`;
  return shown === parsed.href ? url : shown;
}

/**
 * Gives what of an address may stand in no text that others read, such as a target's error page that repeats it; the
 * longest first.
 */
export function tokensIn(url: string): string[] {
  const parsed = URL.parse(url);
  if (parsed === null) return [];
  const found = parsed.pathname.split('/').filter(isToken);
  if (parsed.search.length >= tokenChars) found.push(parsed.search.slice(1));
  for (const [name, value] of parsed.searchParams)
    if (isToken(value) || value.length >= tokenChars || (secretName.test(name) && value.length >= 6))
      found.push(value, encodeURIComponent(value));
  return [...new Set(found.flatMap(part => [part, decoded(part)]))].sort((a, b) => b.length - a.length);
}

function isToken(part: string): boolean {
  const text = decoded(part);
  if (text.length < tokenChars) return false;
  return uuid.test(text) || !text.split(/[-_.~: ]/).every(word => wordLike.test(word));
}

function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}
