import dns from 'node:dns';
import { constants } from 'node:os';

/** A code that an attempt at a delivery may end with, or a family of such codes. */
export interface DeliveryCode {
  /** As documents name it: the code itself, or an example of its family. */
  readonly name: string;
  /** Says who gives it: the hub itself, the operating system or a library on the way to the target, or the target's answer. */
  readonly givenBy: 'hub' | 'system' | 'target';
  /** `policy` uses up a retry, `free` does not, `never` is FAILED at once. */
  readonly retried: 'policy' | 'free' | 'never';
  /** True: the consumer or the hub's settings refuse the data or the target, and a person is needed now. */
  readonly isRefusal: boolean;
  readonly meaning: string;
  readonly advice: string;
}

/** Holds what the hub itself finds. */
const hubCodes = {
  ACK_TIMEOUT: {
    retried: 'policy',
    meaning: 'An attached consumer did not acknowledge the event within `ackTimeoutMs`.',
    advice: 'Look at the consumer, or raise `ackTimeoutMs`.',
  },
  ANSWERED_EARLY: {
    retried: 'policy',
    meaning: 'A 2xx came before the whole request was out.',
    advice: 'The target must read the whole body before it answers.',
  },
  BATCH_ANSWER_UNREADABLE: {
    retried: 'policy',
    meaning: "A batch's answer can't be read.",
    advice: "Correct the consumer's answer; the items are sent again.",
  },
  BATCH_ITEM_MISSING: {
    retried: 'policy',
    meaning: "A batch's answer does not name this item.",
    advice: "Correct the consumer's answer; the item is sent again.",
  },
  HUB_FAULT: {
    retried: 'policy',
    meaning: 'A fault of the hub kept the attempt from being made.',
    advice: 'Report it; the log of the hub has the cause.',
  },
  LEASE_EXPIRED: {
    retried: 'free',
    meaning: 'The hub process that held the event stopped before it told an outcome.',
    advice: 'Look at that process; the event is tried again by itself.',
  },
  PAYLOAD_QUERY_INVALID: {
    retried: 'never',
    meaning: "The subscription's `payloadQuery` can't be run on the event. Nothing was sent.",
    advice: 'Correct the query, then `hub retry --error PAYLOAD_QUERY_INVALID`.',
  },
  SOCKET_CLOSED: {
    retried: 'free',
    meaning:
      "The consumer's socket closed before it acknowledged. The tenth in a row makes the event FAILED.",
    advice: 'Nothing, where it happens now and then; else look at why the consumer leaves.',
  },
  SUBSCRIPTION_DELETED: {
    retried: 'never',
    meaning: 'The subscription was deleted before the event was acknowledged.',
    advice: 'Nothing; what waited for it is CANCELLED.',
  },
  TARGET_NOT_ALLOWED: {
    retried: 'never',
    isRefusal: true,
    meaning: 'The webhook points to an address that the hub may not reach.',
    advice: 'Correct the URL or `HUB_TARGET_ALLOW`, then `hub retry --error TARGET_NOT_ALLOWED`.',
  },
  UNKNOWN: {
    retried: 'policy',
    meaning: 'The connection failed with an error that has no known code; the message has its words.',
    advice: 'Read `errorMessage`; look at the target and the network.',
  },
} as const satisfies Record<
  string,
  Omit<DeliveryCode, 'name' | 'givenBy' | 'isRefusal'> & { isRefusal?: true }
>;

/** A code that the hub itself gives. */
export type HubCode = keyof typeof hubCodes;

/** A family of codes, and the form of all of them. */
interface Family extends DeliveryCode {
  readonly form: RegExp;
}

const families: readonly Family[] = [
  {
    name: 'HTTP_400, HTTP_413, HTTP_415, HTTP_422',
    form: /^HTTP_(?:400|413|415|422)$/,
    givenBy: 'target',
    retried: 'never',
    isRefusal: true,
    meaning: 'The consumer says that the data does not fit.',
    advice: 'Mend the data at its source or the consumer, then `hub retry --error HTTP_422`.',
  },
  {
    name: 'HTTP_410',
    form: /^HTTP_410$/,
    givenBy: 'target',
    retried: 'never',
    isRefusal: false,
    meaning: 'The consumer wants no more; the subscription is PAUSED.',
    advice: '`hub subscriptions resume` once it wants events again, then `hub retry --error HTTP_410`.',
  },
  {
    name: 'HTTP_408, HTTP_425, HTTP_429, HTTP_5xx',
    form: /^HTTP_(?:408|425|429|5\d\d)$/,
    givenBy: 'target',
    retried: 'policy',
    isRefusal: false,
    meaning: "The consumer can't take it now.",
    advice: 'Look at the consumer, then `hub retry` for what is FAILED.',
  },
  {
    name: 'HTTP_ and any other status',
    form: /^HTTP_/,
    givenBy: 'target',
    retried: 'policy',
    isRefusal: false,
    meaning: 'An answer that accepts nothing: a redirect, a wrong path, a missing right.',
    advice: 'Correct the `webhookUrl` or the consumer, then `hub retry`.',
  },
  {
    name: 'ECONNREFUSED, ECONNRESET, ETIMEDOUT, ENOTFOUND …',
    form: namesOf([...Object.keys(constants.errno), ...dnsCodes()]),
    givenBy: 'system',
    retried: 'policy',
    isRefusal: false,
    meaning:
      'The operating system or DNS: no connection, or it broke off; ETIMEDOUT is also no answer within `timeoutMs`.',
    advice: 'Look at the target, its name and the network.',
  },
  {
    name: 'UND_ERR_SOCKET, UND_ERR_HEADERS_TIMEOUT …',
    form: /^(?:UND_ERR_[A-Z_]+|ABORT_ERR)$/,
    givenBy: 'system',
    retried: 'policy',
    isRefusal: false,
    meaning: 'The HTTP client: the target closed the connection or was silent before it had answered.',
    advice: 'Look at the target and at proxies before it.',
  },
  {
    name: 'HPE_INVALID_CONSTANT … and HTTPParserError',
    form: /^(?:HPE_[A-Z0-9_]+|HTTPParserError)$/,
    givenBy: 'system',
    retried: 'policy',
    isRefusal: false,
    meaning: 'What the target sends is no HTTP.',
    advice: 'Look at the URL: its scheme or port is another service’s.',
  },
  {
    name: 'CERT_HAS_EXPIRED, UNABLE_TO_VERIFY_LEAF_SIGNATURE, ERR_TLS_CERT_ALTNAME_INVALID …',
    form: /^(?:CERT_(?:SIGNATURE_FAILURE|NOT_YET_VALID|HAS_EXPIRED|CHAIN_TOO_LONG|REVOKED|UNTRUSTED|REJECTED)|CRL_[A-Z_]+|ERROR_IN_C[A-Z_]+|UNABLE_TO_(?:GET|DECRYPT|DECODE|VERIFY)_[A-Z_]+|DEPTH_ZERO_SELF_SIGNED_CERT|SELF_SIGNED_CERT_IN_CHAIN|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH|OUT_OF_MEM|ERR_(?:TLS|SSL|OSSL|SOCKET|STREAM|HTTP|HTTP2|INVALID)_[A-Z0-9_]+)$/,
    givenBy: 'system',
    retried: 'policy',
    isRefusal: false,
    meaning: 'TLS: the certificate is not trusted, or no version is agreed on.',
    advice: "Correct the target's certificate or its chain.",
  },
];

/** All codes, for documents: the hub's own first. */
export const deliveryCodes: readonly DeliveryCode[] = [
  ...Object.entries(hubCodes).map(([name, code]) => hubCode(name, code)),
  ...families,
];

const hubCodesByName = new Map(
  deliveryCodes.filter(code => code.givenBy === 'hub').map(code => [code.name, code]),
);

/** Gives what the catalogue says of a code; undefined: it is none of these, so a consumer gave it by `reject`. */
export function deliveryCodeOf(code: string): DeliveryCode | undefined {
  return hubCodesByName.get(code) ?? families.find(({ form }) => form.test(code));
}

function hubCode(
  name: string,
  code: Pick<DeliveryCode, 'retried' | 'meaning' | 'advice'> & { isRefusal?: true },
): DeliveryCode {
  return { isRefusal: false, ...code, name, givenBy: 'hub' };
}

function namesOf(names: readonly string[]): RegExp {
  return new RegExp(`^(?:${[...new Set(names)].join('|')})$`);
}

/** Gives what look-ups by the system or by c-ares end with: most are no errno. */
function dnsCodes(): string[] {
  const byCares = Object.values<unknown>(dns).filter(
    value => typeof value === 'string' && /^E[A-Z]+$/.test(value),
  );
  const bySystem = [
    'AGAIN',
    'BADFLAGS',
    'FAIL',
    'FAMILY',
    'MEMORY',
    'NODATA',
    'NONAME',
    'OVERFLOW',
    'SERVICE',
    'SOCKTYPE',
  ];
  return [...byCares.map(String), ...bySystem.map(name => `EAI_${name}`)];
}
