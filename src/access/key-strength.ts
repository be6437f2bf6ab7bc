/** Words that stand in chosen keys so often that whoever guesses begins with them. In lower case, the longest first. */
const wellKnown = [
  'administrator',
  'changethis',
  'passphrase',
  'voucherhub',
  'changeme',
  'iloveyou',
  'password',
  'princess',
  'sunshine',
  'welcome',
  'default',
  'example',
  'letmein',
  'secrets',
  'voucher',
  'change',
  'dragon',
  'master',
  'monkey',
  'passwd',
  'please',
  'qwerty',
  'secret',
  'shadow',
  'asdfgh',
  'zxcvbn',
  'abcdef',
  'admin',
  'guest',
  'token',
  'hello',
  'login',
  'super',
  'world',
  'root',
  'pass',
  'user',
  'test',
  'this',
  'key',
  'hub',
  'api',
];

/** Digits that follow one another, up or down, or repeat; years. */
const easyDigits = /0123456789|1234567890|9876543210|0?123456789?|12345+|987654+|(\d)\1{2,}|(?:19|20)\d\d/g;

/** Different characters of a key, and of what is left of it without what everybody tries first. */
const leastVariety = 10;
const leastRest = 6;

/** Why a key that a person chose is too easy to guess, in words that hold nothing of it; null: it is not. */
export function weaknessOf(key: string): string | null {
  if (new Set(key).size < leastVariety) return `it has fewer than ${leastVariety} different characters`;
  if (isRepetition(key)) return 'it repeats one part';
  let rest = key.toLowerCase();
  // A letter that is written as a digit is among the first things that are tried.
  for (const text of [
    rest,
    rest
      .replaceAll('0', 'o')
      .replaceAll('1', 'i')
      .replaceAll('3', 'e')
      .replaceAll('4', 'a')
      .replaceAll('@', 'a')
      .replaceAll('$', 's'),
  ]) {
    rest = text.replace(easyDigits, ' ');
    for (const word of wellKnown) rest = rest.replaceAll(word, ' ');
    if (new Set(rest.replace(/[^\p{L}\p{N}]/gu, '')).size < leastRest)
      return 'it is made of well-known words and rows of digits';
  }
  return null;
}

/** Tells whether a text is one part again and again; the last time it may be cut off. */
function isRepetition(text: string): boolean {
  for (let length = 1; length * 2 <= text.length; length += 1)
    if (
      text
        .slice(0, length)
        .repeat(Math.ceil(text.length / length))
        .startsWith(text)
    )
      return true;
  return false;
}
