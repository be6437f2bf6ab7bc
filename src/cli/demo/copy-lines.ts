import { print } from '../terminal.ts';

/** Says where the demo's parts are. */
export interface DemoPlace {
  readonly url: string;
  readonly key: string;
  readonly folder: string;
  readonly webhookUrl: string;
}

/** Prints what may be tried while the demo stays up. */
export function printCopyLines({ url, key, folder, webhookUrl }: DemoPlace): void {
  const query =
    'mutation ($input: RecordVoucherInput!) { recordVoucher(input: $input) { outcome deliveries voucher { voucherNo } } }';
  const input = {
    eventType: 'invoice_recorded',
    sourceSystem: 'settlement',
    sourceModule: 'invoice',
    sourceType: 'sales_invoice',
    sourceId: 'INV-MINE-1',
    direction: 'DEBIT',
    amount: '100.00',
    currency: 'CNY',
    businessData: { invoice_no: 'INV-MINE-1', tax_no: '91310000MA1K3X7B2C' },
  };
  const access = `--url ${url} --key ${key}`;
  print(`
The demo stays up until Ctrl-C. To copy:

  GraphiQL: ${url}/graphiql   paste the key at the top: ${key}

  curl -s ${url}/graphql -H 'content-type: application/json' -H 'authorization: Bearer ${key}' \\
    -d '${JSON.stringify({ query, variables: { input } })}'

  npm run hub -- subscriptions list ${access}
  npm run hub -- import samples/vouchers.jsonl ${access}
  npm run hub -- retry ${access}
  npm run hub -- doctor ${access}

What the tax system holds: ${folder}/tax-system.jsonl   (it listens at ${webhookUrl})
What comes to it now shows here:
`);
}
