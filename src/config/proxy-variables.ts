/** Variables by which other programs are told of a proxy; read by none of the hub's own requests. */
const names = ['HTTP_PROXY', 'HTTPS_PROXY', 'ALL_PROXY'];

/** The proxy variables that an environment sets, in capitals or small letters. */
export function proxyVariables(env: Readonly<Record<string, string | undefined>>): string[] {
  return names.flatMap(name => [name, name.toLowerCase()]).filter(name => (env[name] ?? '').trim() !== '');
}

/** Gives what is said of them: whoever sets one expects requests to go that way. */
export function proxyVariablesText(variables: readonly string[]): string {
  return `${variables.join(', ')} ${variables.length === 1 ? 'is' : 'are'} set, but webhooks and alert channels do not use a proxy: they connect to their targets themselves`;
}
