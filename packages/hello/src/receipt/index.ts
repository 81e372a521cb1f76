export { createKeyReceipt, receiptLifetimeMs, type KeyReceipt } from './key-receipt.ts';
export {
  parseKeyReceipt,
  verifyKeyReceipt,
  type ReceiptSubject,
  type ReceiptTrust,
} from './verify-key-receipt.ts';
