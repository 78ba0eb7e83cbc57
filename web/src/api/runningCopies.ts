import type { Page } from '#shared/contracts/problem.ts';
import type { Receipt, ReceiptWithOutputs } from '#shared/contracts/receipt.ts';
import type { Session } from '#shared/contracts/session.ts';
import { request } from './client.ts';

/** The caller's throw-away copy of the review's snapshot: one, or none. */
export async function listRunningCopies(reviewId: number): Promise<Session[]> {
  return (await request<{ items: Session[] }>('GET', `/reviews/${reviewId}/running-copies`)).items;
}
/** Opens a copy, or answers the one that is open; `replace` opens another in its place. */
export function openRunningCopy(reviewId: number, replace: boolean): Promise<Session> {
  return request('POST', `/reviews/${reviewId}/running-copies`, { body: { replace } });
}
/** Runs a command in the caller's copy, which is opened for it. Throws RUNNING_COPY_STALE. */
export function runOnSnapshot(reviewId: number, command: string): Promise<Receipt> {
  return request('POST', `/reviews/${reviewId}/runs`, { body: { command } });
}
/** The newest receipts of a review. */
export async function listReceipts(reviewId: number): Promise<Receipt[]> {
  return (await request<Page<Receipt>>('GET', `/reviews/${reviewId}/receipts`, { query: { limit: 100 } })).items;
}
/** A receipt with what is kept of its outputs. */
export function loadReceipt(reviewId: number, receiptId: number): Promise<ReceiptWithOutputs> {
  return request('GET', `/reviews/${reviewId}/receipts/${receiptId}`);
}
