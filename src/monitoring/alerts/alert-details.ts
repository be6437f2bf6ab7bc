import { z } from 'zod';

/** Why a subscription's events wait or come late. */
export const whys = [
  'paused',
  'gone',
  'suspended',
  'unattached',
  'batch',
  'retrying',
  'recorded_late',
  'slow',
] as const;
export type Why = (typeof whys)[number];

const detailsSchema = z.object({
  /** Says whose it is, those with the most first: of all subscriptions together the first few, else the one. */
  shares: z.array(
    z.object({
      id: z.string(),
      name: z.string(),
      targetSystem: z.string(),
      /** Of the whole, 0 to 100. */
      percent: z.number(),
      why: z.enum(whys),
      /** Holds what is retried or suspended failed with most; null: nothing did. */
      errorCode: z.string().nullable(),
      /** Since when it is so, milliseconds since 1970; null: nobody knows. */
      since: z.number().nullable(),
    }),
  ),
  /** Subscriptions beyond those. */
  more: z.number(),
  /** Some vouchers that it is about, the newest first. */
  vouchers: z.array(z.object({ sourceId: z.string(), voucherNo: z.string() })),
});

/** Holds what stands behind an alert, in no language. */
export type AlertDetails = z.infer<typeof detailsSchema>;
export type Share = AlertDetails['shares'][number];

/** There is nothing behind it that is known. */
export const noDetails: AlertDetails = { shares: [], more: 0, vouchers: [] };

/** The details of an alert, as they were written; none for what another version wrote. */
export function parseDetails(written: unknown): AlertDetails {
  const parsed = detailsSchema.safeParse(written);
  return parsed.success ? parsed.data : noDetails;
}
