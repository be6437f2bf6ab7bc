/**
 * The codes of ISO 4217: list one of its maintenance agency as of January 2026, metals and funds included, and behind it
 * those withdrawn since 2015, as vouchers of those years still come.
 */
const codes = `
AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BHD BIF BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CLF CLP
CNY COP COU CRC CUP CVE CZK DJF DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS
INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR
MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD
SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD USN UYI UYU UYW UZS VED VES VND VUV WST
XAD XAF XAG XAU XBA XBB XBC XBD XCD XCG XDR XOF XPD XPF XPT XSU XTS XUA XXX YER ZAR ZMW ZWG
ANG BGN BYR CUC HRK MRO SLL STD VEF ZWL`;

/** All codes that vouchers may have where no setting adds others. */
export const isoCurrencies: ReadonlySet<string> = new Set(codes.trim().split(/\s+/));

/** Holds what people write instead, and the code that they mean. */
const meant: Readonly<Record<string, string>> = {
  RMB: 'CNY',
  CNH: 'CNY',
  YUAN: 'CNY',
  NTD: 'TWD',
  NT: 'TWD',
  YEN: 'JPY',
  WON: 'KRW',
  EURO: 'EUR',
  UKP: 'GBP',
  GBX: 'GBP',
  STG: 'GBP',
  DOLLAR: 'USD',
  RUR: 'RUB',
};

/** The code that may be meant by a text that is none; null: nobody knows. */
export function currencyMeant(text: string, known: ReadonlySet<string>): string | null {
  const capitals = text.trim().toUpperCase();
  const code = meant[capitals] ?? capitals;
  return known.has(code) ? code : null;
}
