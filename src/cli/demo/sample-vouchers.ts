import type { RecordVoucherInput } from '../generated/graphql.ts';

type SampleVoucher = Pick<
  RecordVoucherInput,
  'eventType' | 'sourceModule' | 'sourceType' | 'sourceId' | 'amount' | 'businessData' | 'summary'
> &
  Partial<RecordVoucherInput>;

const yunshan = {
  counterpartyType: 'customer',
  counterpartyId: 'C-1001',
  counterpartyName: '上海云杉建材有限公司',
};
const lanqiao = {
  counterpartyType: 'customer',
  counterpartyId: 'C-1002',
  counterpartyName: '杭州蓝桥装饰工程有限公司',
};
const hengtong = {
  counterpartyType: 'supplier',
  counterpartyId: 'S-2001',
  counterpartyName: '苏州恒通钢铁贸易有限公司',
};
const qinghe = {
  counterpartyType: 'supplier',
  counterpartyId: 'S-2002',
  counterpartyName: '宁波清禾物流有限公司',
};

/** Holds what is delivered first: contracts, invoices and a settlement that the tax system takes. */
export const ordinary: readonly RecordVoucherInput[] = [
  contract('L1-20251219-001', '1280000.00', { ...yunshan, summary: '一期主体钢材供货合同' }),
  contract('L1-20251219-002', '356800.50', { ...lanqiao, summary: '幕墙工程分包合同' }),
  invoice('INV-20251219-0001', '640000.00', { ...yunshan, summary: '主体钢材第一批' }),
  invoice('INV-20251219-0002', '178400.25', { ...lanqiao, summary: '幕墙工程进度款' }),
  invoice('INV-20251219-0003', '92350.00', {
    ...hengtong,
    direction: 'CREDIT',
    sourceType: 'purchase_invoice',
    summary: '螺纹钢采购',
  }),
  invoice('INV-20251219-0004', '8420.00', {
    ...qinghe,
    direction: 'CREDIT',
    sourceType: 'purchase_invoice',
    summary: '十二月运费',
  }),
  settlement('L2-20251219-001', '818400.25', { ...yunshan, summary: '十二月二级结算单' }),
];

/** An invoice as the settlement system first sends it, without a tax number, and as it puts it right. */
export const withoutTaxNo = invoice('INV-20251219-0005', '25600.00', {
  ...lanqiao,
  summary: '现场签证补差',
  taxNo: null,
});
export const putRight = invoice('INV-20251219-0005', '25600.00', { ...lanqiao, summary: '现场签证补差' });

/** Holds what is recorded while the tax system is down; one record comes in two versions, which must arrive in order. */
export const meanwhile: readonly RecordVoucherInput[] = [
  contract('L1-20251220-003', '2049000.00', { ...yunshan, summary: '二期主体钢材供货合同' }),
  invoice('INV-20251220-0006', '512250.00', { ...yunshan, summary: '二期预付款' }),
  {
    ...invoice('INV-20251220-0006', '498000.00', { ...yunshan, summary: '二期预付款（折让后）' }),
    eventType: 'invoice_updated',
  },
  invoice('INV-20251220-0007', '13680.00', {
    ...qinghe,
    direction: 'CREDIT',
    sourceType: 'purchase_invoice',
    summary: '吊装服务',
  }),
  settlement('L2-20251220-002', '498000.00', { ...yunshan, summary: '十二月二级结算单（补）' }),
];

interface Details extends Partial<RecordVoucherInput> {
  summary: string;
  taxNo?: string | null;
}

function contract(no: string, amount: string, details: Details): RecordVoucherInput {
  return voucher(
    {
      eventType: 'l1_confirmed',
      sourceModule: 'contract',
      sourceType: 'l1_contract',
      sourceId: no,
      amount,
      businessData: { contract_no: no, tax_rate: '0.13' },
    },
    details,
  );
}

function invoice(no: string, amount: string, details: Details): RecordVoucherInput {
  return voucher(
    {
      eventType: 'invoice_recorded',
      sourceModule: 'invoice',
      sourceType: 'sales_invoice',
      sourceId: no,
      amount,
      businessData: { invoice_no: no, tax_rate: '0.13' },
    },
    details,
  );
}

function settlement(no: string, amount: string, details: Details): RecordVoucherInput {
  return voucher(
    {
      eventType: 'l2_settlement_created',
      sourceModule: 'settlement',
      sourceType: 'l2_settlement',
      sourceId: no,
      amount,
      businessData: { settlement_no: no },
    },
    details,
  );
}

function voucher(
  sample: Omit<SampleVoucher, 'summary'>,
  { taxNo = '91310000MA1K3X7B2C', ...details }: Details,
): RecordVoucherInput {
  return {
    sourceSystem: 'settlement',
    sourceReferenceNo: sample.sourceId,
    companyId: '1',
    direction: 'DEBIT',
    currency: 'CNY',
    createdBy: 'demo',
    ...sample,
    ...details,
    businessData: {
      ...sample.businessData,
      counterparty: details.counterpartyName,
      ...(taxNo === null ? {} : { tax_no: taxNo }),
    },
  };
}
