import { z } from 'zod';

/**
 * Holds what stands for a secret: `${VARIABLE}` or `file:/path`. The file is read and the variable looked up when channels
 * are opened, so that settings hold no secret and may be shown.
 */
const secret = z
  .string()
  .regex(
    /^(\$\{[A-Za-z_][A-Za-z0-9_]*\}|file:.+)$/,
    'must be ${VARIABLE} or file:/path: a secret does not stand in this file',
  );
const httpUrl = z.url({ protocol: /^https?$/, error: 'must be an http(s) address' });
const phone = z.string().regex(/^\+?\d{5,20}$/, 'must be a telephone number in quotes, digits only');
const mail = z.string().regex(/^[^\s@]+@[^\s@]+$/, 'must be an e-mail address');
const certificates = z.string().startsWith('file:', 'must be file:/path of PEM certificates').optional();

const aliyun = {
  accessKeyId: secret,
  accessKeySecret: secret,
  endpoint: httpUrl.optional(),
  phones: z.array(phone).min(1).max(20),
};

const kinds = [
  z.strictObject({ type: z.literal('wecom'), url: secret }),
  z.strictObject({ type: z.literal('dingtalk'), url: secret, secret: secret.optional() }),
  z.strictObject({ type: z.literal('feishu'), url: secret, secret: secret.optional() }),
  z.strictObject({ type: z.literal('slack'), url: secret }),
  z.strictObject({ type: z.literal('webhook'), url: httpUrl, secret }),
  z.strictObject({
    type: z.literal('email'),
    host: z.string().min(1),
    port: z.int().min(1).max(65_535).optional(),
    security: z.enum(['tls', 'starttls']).default('tls'),
    ca: certificates,
    user: z.string().optional(),
    password: secret.optional(),
    from: mail,
    to: z.array(mail).min(1).max(50),
  }),
  z.strictObject({
    type: z.literal('aliyun-sms'),
    ...aliyun,
    signName: z.string().min(1),
    templateCode: z.string().min(1),
  }),
  z.strictObject({
    type: z.literal('aliyun-voice'),
    ...aliyun,
    templateCode: z.string().min(1),
    shownNumber: z.string().optional(),
    resolved: z.boolean().default(false),
  }),
] as const;

/** A channel's settings as the alerts file gives them. */
export const channelSchema = z.discriminatedUnion('type', kinds);

/** A channel by its name, its secrets as references. */
export type ChannelSettings = z.infer<typeof channelSchema> & { readonly name: string };

/** One kind of channel. */
export type SettingsOf<Type extends ChannelSettings['type']> = Extract<ChannelSettings, { type: Type }>;
