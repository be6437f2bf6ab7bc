import { BlockList, isIP, isIPv6 } from 'node:net';
import { z } from 'zod';
import { weaknessOf } from '../access/key-strength.ts';
import { messageOf } from '../core/errors.ts';
import { parseTargetAllow } from '../delivery/webhook/guard.ts';
import { parseRedisUrl } from '../jobs/redis-url.ts';

/** Names of the parts that a process may play. */
export const roleNames = ['api', 'worker', 'scheduler'] as const;

// How the values of settings are read. Their faults hold no values.

/** A TCP port, 0 for any free one. */
export const port = z
  .string()
  .regex(/^\d{1,5}$/, 'must be a port, 0 to 65535')
  .transform(Number)
  .refine(value => value <= 65_535, 'must be a port, 0 to 65535');
/** A number within bounds. */
export const numberFrom = (least: number, most: number) => {
  const fault = `must be a number, ${least} to ${most.toLocaleString('en-US')}`;
  return z.coerce.number(fault).min(least, fault).max(most, fault);
};
/** A whole number within bounds. */
export const wholeNumber = (least: number, most: number) => {
  const fault = `must be a whole number, ${least} to ${most.toLocaleString('en-US')}`;
  return z
    .string()
    .regex(/^\d+$/, fault)
    .transform(Number)
    .pipe(z.number().int(fault).min(least, fault).max(most, fault));
};
/** A connection string of PostgreSQL. */
export const postgresUrl = z
  .string()
  .regex(/^postgres(ql)?:\/\//, 'must begin with postgres:// or postgresql://')
  // What stands in place of the database is else shown, and is a part of the password.
  .refine(
    text => !/[@:]/.test(URL.parse(text)?.pathname ?? ''),
    'must be postgres://user:password@host:5432/database, user and password percent-encoded (@ is %40, / is %2F)',
  );
/** An address of Redis, in one of the forms of `parseRedisUrl`. */
export const redisUrl = z.string().superRefine((text, context) => {
  const fault = redisUrlFault(text);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});
/** An API key that an operator chose. */
export const adminKey = z
  .string()
  .regex(
    /^[\x21-\x7e]{24,200}$/,
    'must be 24 to 200 printable characters without spaces; make one with: openssl rand -hex 32',
  )
  .superRefine((text, context) => {
    const weakness = weaknessOf(text);
    if (weakness === null) return;
    const message = `is too easy to guess: ${weakness}; make one with: openssl rand -hex 32`;
    context.addIssue({ code: 'custom', message });
  });
/** 32 bytes in base64. */
export const encryptionKey = z
  .string()
  .regex(/^[A-Za-z0-9+/_-]{43}=?$/, 'must be 32 bytes in base64 (openssl rand -base64 32)');
/** A name of the IANA database that this Node knows. */
export const timeZone = z.string().refine(isTimeZone, 'must be an IANA time zone, e.g. Asia/Shanghai');
/** Codes of currencies, with commas. */
export const currencies = z
  .string()
  .transform(splitList)
  .pipe(
    z.array(
      z
        .string()
        .regex(/^[A-Z][A-Z0-9]{2,9}$/, 'must be codes of 3 to 10 capital letters and digits, with commas'),
    ),
  );
/** Some of `roleNames`, with commas. */
export const roles = z
  .string()
  .transform(splitList)
  .pipe(z.array(z.enum(roleNames)).min(1, `must be one or more of ${roleNames.join(', ')}, with commas`));
/** Host names, with commas; `*.` and a name: all below it; `*`: any. */
export const hostNames = z
  .string()
  .transform(splitList)
  .pipe(
    z.array(
      z
        .string()
        .regex(/^(?:\*|(?:\*\.)?[\w-]+(?:\.[\w-]+)*)$/, 'must be host names, with commas, without ports'),
    ),
  );
/** Holds what webhooks may reach though private, as `parseTargetAllow` reads it. */
export const targetAllow = z.string().superRefine((text, context) => {
  const fault = targetAllowFault(text);
  if (fault !== null) context.addIssue({ code: 'custom', message: fault });
});
/** Addresses and CIDR ranges, with commas. */
export const addressRanges = z.string().transform((text, context) => {
  const ranges = new BlockList();
  for (const [place, entry] of splitList(text).entries()) {
    const [address = '', bits = isIPv6(address) ? '128' : '32', ...rest] = entry.split('/');
    const family = isIPv6(address) ? 'ipv6' : 'ipv4';
    const fits = /^\d{1,3}$/.test(bits) && Number(bits) <= (family === 'ipv6' ? 128 : 32);
    if (isIP(address) !== 0 && fits && rest.length === 0) ranges.addSubnet(address, Number(bits), family);
    else
      context.addIssue({
        code: 'custom',
        message: `entry ${place + 1} is neither an IP address nor a CIDR range`,
      });
  }
  return ranges;
});
/** An http(s) address, without a slash at the end. */
export const publicUrl = z
  .string()
  .refine(value => /^https?:$/.test(URL.parse(value)?.protocol ?? ''), 'must be an http(s) address')
  .transform(value => value.replace(/\/+$/, ''));
/** One of pino's levels. */
export const logLevel = z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent']);

function splitList(text: string): string[] {
  return text
    .split(',')
    .map(part => part.trim())
    .filter(part => part !== '');
}

/** Tells which entry is at fault by its place, not by its text: faults hold no values. */
function targetAllowFault(text: string): string | null {
  const place = text.split(',').findIndex(entry => !isTargetAllow(entry));
  return place === -1 ? null : `entry ${place + 1} is neither a host name nor an IP address nor a CIDR range`;
}

function isTargetAllow(entry: string): boolean {
  try {
    parseTargetAllow(entry);
    return true;
  } catch {
    return false;
  }
}

/** Null where it fits. */
function redisUrlFault(text: string): string | null {
  try {
    parseRedisUrl(text);
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

/** Tells whether a text is the name of a time zone. */
export function isTimeZone(name: string): boolean {
  try {
    return Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
