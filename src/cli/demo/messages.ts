/** Holds what the demo tells the tax system when it starts it. */
export interface TaxOrder {
  /** 0: any free one. */
  readonly port: number;
  readonly secret: string;
  /** Says where it keeps what it has; it reads it again at the next start. */
  readonly file: string;
}

/** Holds what the tax system tells the demo of itself. */
interface TaxListening {
  readonly kind: 'listening';
  readonly port: number;
}

/** Holds what the tax system did with one event. */
export interface TaxReceipt {
  readonly kind: 'receipt';
  readonly sourceId: string;
  readonly version: number;
  /** True when both signatures are right. */
  readonly verified: boolean;
  /** HTTP status it answered with. */
  readonly answered: number;
  readonly reason: string | null;
}

/** Anything that the tax system says. */
export type TaxMessage = TaxListening | TaxReceipt;
