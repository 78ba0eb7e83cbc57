import { defineSearchAttributeKey, type SearchAttributeUpdatePair } from '@temporalio/common';
import { setCurrentDetails, upsertSearchAttributes } from '@temporalio/workflow';
import { isOverdue } from '#workflows/review/review.details.ts';
import type { ReviewMachine } from '#workflows/review/review.machine.ts';
import type { ReviewRecord } from '#workflows/review/review.ports.ts';

const REVIEW_STATUS = defineSearchAttributeKey('ReviewStatus', 'KEYWORD');
const REVIEWER_ID = defineSearchAttributeKey('ReviewerId', 'KEYWORD');
const PRIORITY = defineSearchAttributeKey('Priority', 'KEYWORD');
const OWNER_ID = defineSearchAttributeKey('OwnerId', 'KEYWORD');
const END_REASON = defineSearchAttributeKey('EndReason', 'KEYWORD');
const DUE_AT = defineSearchAttributeKey('DueAt', 'DATETIME');
const NEEDS_ATTENTION = defineSearchAttributeKey('NeedsAttention', 'BOOL');

/**
 * Makes what shows a run to operators: its current details, and its search attributes when they differ from the last
 * ones, for each change is an event of the history.
 */
export function createDisplay(machine: ReviewMachine): () => void {
  let shown = '';
  return () => {
    setCurrentDetails(machine.details);
    const attributes = attributesOf(machine);
    const text = JSON.stringify(attributes);
    if (text === shown || attributes.length === 0) return;
    shown = text;
    upsertSearchAttributes(attributes);
  };
}

function attributesOf(machine: ReviewMachine): SearchAttributeUpdatePair[] {
  const { review, outcome } = machine;
  if (review === null) return [];
  return [
    { key: REVIEW_STATUS, value: review.status },
    { key: REVIEWER_ID, value: review.assignedTo === null ? null : String(review.assignedTo) },
    { key: PRIORITY, value: review.priority },
    { key: OWNER_ID, value: String(review.submittedBy) },
    { key: END_REASON, value: outcome },
    { key: DUE_AT, value: dueAt(review, outcome !== null) },
    { key: NEEDS_ATTENTION, value: machine.needsAttention || isOverdue(review) },
  ];
}

/** The first action is the claim: after it nothing is due. */
function dueAt(review: ReviewRecord, ended: boolean): Date | null {
  return ended || review.dueAt === null || review.status !== 'pending' ? null : new Date(review.dueAt);
}
