/**
 * The first `maxChars` characters of a text from outside as one line that any store and screen takes: runs of
 * controls (NUL, which PostgreSQL refuses, among them) and of invisible formatting become a space.
 */
export function printable(text: string, maxChars: number): string {
  const line = text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]+/gu, ' ').trim();
  // A pair of surrogates cut in two would be no valid UTF-8.
  return line.length <= maxChars
    ? line.toWellFormed()
    : line
        .slice(0, maxChars)
        .replace(/[\ud800-\udbff]$/, '')
        .toWellFormed();
}
