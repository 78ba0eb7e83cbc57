import type { CommentInput, DecisionInput } from '#workflows/review/review.messages.ts';

/** PostgreSQL's largest `integer`: a larger id would fail its statement again and again. */
const MAX_ID = 2_147_483_647;
const MAX_OP_ID = 200;
/** As long as the api lets a summary or a comment be. */
const MAX_WORDS = 20_000;

type Fields = Partial<Record<string, unknown>>;

/** True for what a decision may be sent with. Nothing else reaches an activity, which would try it for ever. */
export function isDecisionInput(input: unknown): input is DecisionInput {
  if (!isObject(input)) return false;
  const { opId, actorId, expectedSnapshotId, note, assigneeId, force, receiptIds } = input;
  return (
    isOpId(opId) &&
    isId(actorId) &&
    (expectedSnapshotId === undefined || isId(expectedSnapshotId)) &&
    (note === undefined || isWords(note)) &&
    (assigneeId === undefined || isId(assigneeId)) &&
    (force === undefined || typeof force === 'boolean') &&
    (receiptIds === undefined || (Array.isArray(receiptIds) && receiptIds.every(isId)))
  );
}

/** The decision of automation that the input is, or a sentence that says why it is none. Never throws. */
export function readAutoDecision(input: unknown): { action: 'approve' | 'reject'; input: DecisionInput } | string {
  const action = isObject(input) ? input['decision'] : undefined;
  if (!isDecisionInput(input) || (action !== 'approve' && action !== 'reject')) {
    return `autoDecision came with ${glimpse(input)}; it needs opId, decision (approve or reject), actorId and expectedSnapshotId`;
  }
  const { opId, actorId, expectedSnapshotId, note } = input;
  // Told apart from what people do: their operations have ids of the same kind.
  return { action, input: { opId: `auto/${opId}`, actorId, expectedSnapshotId, note } };
}

/** The comment of a program that the input is, or a sentence that says why it is none. Never throws. */
export function readComment(input: unknown): CommentInput | string {
  if (!isObject(input) || !isOpId(input['opId']) || !isId(input['actorId']) || !isWords(input['text'])) {
    return `comment came with ${glimpse(input)}; it needs opId, actorId and text`;
  }
  const text = input['text'].trim();
  if (text === '') return 'comment came without words';
  return { opId: `comment/${input['opId']}`, actorId: input['actorId'], text };
}

/** The beginning of what came, for people. Never throws. */
export function glimpse(input: unknown): string {
  return (JSON.stringify(input) ?? 'nothing').slice(0, 100);
}

function isObject(input: unknown): input is Fields {
  return typeof input === 'object' && input !== null && !Array.isArray(input);
}

function isOpId(value: unknown): value is string {
  return isText(value, MAX_OP_ID) && value !== '';
}

function isWords(value: unknown): value is string {
  return isText(value, MAX_WORDS);
}

/** PostgreSQL's text cannot hold NUL. */
function isText(value: unknown, limit: number): value is string {
  return typeof value === 'string' && value.length <= limit && !value.includes('\0');
}

function isId(value: unknown): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value > 0 && value <= MAX_ID;
}
