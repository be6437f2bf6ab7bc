const prefix = 'whsec_';
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=|[A-Za-z0-9+/]{4})$/;

/** Decodes the part of a Standard Webhooks 1.0.0 secret after its prefix; null for a secret of another kind. */
export function standardKey(secret: string): Buffer | null {
  const encoded = secret.slice(prefix.length);
  return secret.startsWith(prefix) && canonicalBase64.test(encoded) ? Buffer.from(encoded, 'base64') : null;
}
