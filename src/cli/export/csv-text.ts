/** A text as a cell of a CSV file. */
export function csvText(text: string): string {
  return quoted(harmless(text));
}

/** Full-width signs are formulas in East Asian settings. */
const formula = /^\s*[=+\-@＝＋－＠\t\r\n]/;
/** The same behind what another setting of the spreadsheet takes for the end of a cell. */
const formulaBehindSeparator =
  /([;,\t\r\n|，；]["']?)(?=\s*[=+\-@＝＋－＠])(?!\s*-\d+(?:\.\d+)?(?:$|[\s;,|，；"']))/g;
const plainNumber = /^-\d+(?:\.\d+)?$/;

/**
 * A text that spreadsheets take for no formula (OWASP, CSV Injection): one that begins like a formula gets an apostrophe
 * before it, and so does a part of it behind a separator, as `x;=1+1` is two cells where the separator is a semicolon. A
 * negative number is none, and stays one.
 */
function harmless(text: string): string {
  if (plainNumber.test(text)) return text;
  const begun = formula.test(text) ? `'${text}` : text;
  return begun.replaceAll(formulaBehindSeparator, "$1'");
}

function quoted(text: string): string {
  return /[",;|\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
