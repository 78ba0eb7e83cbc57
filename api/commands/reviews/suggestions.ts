import type { ItemDeps } from '#api/commands/items/itemDeps.ts';
import { saveItem } from '#api/commands/items/saveItem.ts';
import { loadReview } from '#api/commands/reviews/loadReview.ts';
import type { Caller } from '#api/http/route.ts';
import { assertAllowed, refuseApplySuggestion } from '#api/policies/reviewPolicy.ts';
import type { Tx } from '#platform/db/database.ts';
import { findAppliedVersion, insertAppliedSuggestion } from '#platform/db/repositories/appliedSuggestions.ts';
import { findItem, findItemByPath, findItemWithContent, type ItemRecord } from '#platform/db/repositories/items.ts';
import { findComment } from '#platform/db/repositories/reviewComments.ts';
import { publishReviewChange, type ReviewRecord } from '#platform/db/repositories/reviews.ts';
import { findKnownItems } from '#platform/db/repositories/reviewTrees.ts';
import { findSession } from '#platform/db/repositories/sessions.ts';
import { findSnapshotItemByPath } from '#platform/db/repositories/snapshots.ts';
import type { Suggestion } from '#shared/contracts/reviewConversation.ts';
import { compareLines, portRange } from '#shared/domain/commentPorting.ts';
import { AppError } from '#shared/domain/errors.ts';
import { replaceLines, suggestedLines } from '#shared/domain/suggestion.ts';
import { textLines, type LineRange } from '#shared/domain/textLines.ts';

/** Whose suggestion of which review is meant, as the review's submitter asks. */
export interface SuggestionScope {
  caller: Pick<Caller, 'id' | 'reviewerLevel'>;
  reviewId: number;
  commentId: number;
}

/** What a person made of a suggestion that no longer fits, and the version that they saw. */
export interface MergedSuggestion {
  content: string;
  expectedVersion: number;
}

interface LoadedSuggestion extends Suggestion {
  /** The live text with the proposed lines; null when its lines are not there as they were. */
  result: string | null;
  review: ReviewRecord;
}

/**
 * The texts that a suggestion is about. Throws NOT_FOUND, FORBIDDEN to anybody but the submitter, SUGGESTION_MISSING, and
 * SUGGESTION_OUTDATED when the file is not in the session any more.
 */
export async function readSuggestion(deps: ItemDeps, scope: SuggestionScope): Promise<Suggestion> {
  const { itemId, path, version, fits, base, suggested, live } = await load(deps, scope);
  return { itemId, path, version, fits, base, suggested, live };
}

/**
 * Brings a suggestion into the live session as the next version of the file, exactly as a save in the editor would: its
 * lines only where the text is what was commented on, else what a person made of it (`merged`). Throws as readSuggestion
 * does, SUGGESTION_OUTDATED, SUGGESTION_APPLIED the second time, and VERSION_CONFLICT.
 */
export async function applySuggestion(
  deps: ItemDeps,
  scope: SuggestionScope,
  merged: MergedSuggestion | null,
): Promise<ItemRecord> {
  const suggestion = await load(deps, scope);
  const applied = await findAppliedVersion(deps.database, scope.commentId);
  if (applied !== null) throw appliedAlready(applied);
  const content = merged?.content ?? suggestion.result;
  if (content === null) {
    throw new AppError('SUGGESTION_OUTDATED', { detail: `${suggestion.path} is not as it was commented on.` });
  }
  const session = await findSession(deps.database, suggestion.review.sessionUuid);
  if (session === null) throw new AppError('NOT_FOUND');
  const { id: userId } = scope.caller;
  return saveItem(deps, {
    session,
    userId,
    id: suggestion.itemId,
    expectedVersion: merged?.expectedVersion ?? suggestion.version,
    wanted: { content, encoding: 'utf8' },
    alongside: (item, tx) => record(deps, { scope, item, review: suggestion.review }, tx),
  });
}

async function record(
  { database }: ItemDeps,
  { scope, item, review }: { scope: SuggestionScope; item: ItemRecord; review: ReviewRecord },
  tx: Tx,
): Promise<void> {
  const { commentId } = scope;
  const applied = { commentId, itemId: item.id, version: item.version, appliedBy: scope.caller.id };
  if (!(await insertAppliedSuggestion(database, applied, tx))) throw appliedAlready(null);
  await publishReviewChange(database, { reviewId: review.id, kinds: ['comments'] }, tx);
}

function appliedAlready(version: number | null): AppError {
  return new AppError('SUGGESTION_APPLIED', version === null ? {} : { detail: `It became version ${version}.` });
}

async function load(deps: ItemDeps, scope: SuggestionScope): Promise<LoadedSuggestion> {
  const { database } = deps;
  const review = await loadReview(deps, scope.caller, { id: scope.reviewId });
  assertAllowed(refuseApplySuggestion(scope.caller, review));
  const { reviewId, commentId } = scope;
  const comment = await findComment(database, { reviewId, commentId, viewerId: scope.caller.id });
  if (comment === null) throw new AppError('NOT_FOUND');
  const { snapshotId, path, lineNumber, endLineNumber } = comment;
  const lines = suggestedLines(comment.text);
  if (comment.publishedAt === null || lines === null || snapshotId === null || path === null || lineNumber === null) {
    throw new AppError('SUGGESTION_MISSING');
  }
  const frozen = await findSnapshotItemByPath(database, { snapshotId, path });
  if (frozen === null || frozen.bytes === null)
    throw new Error(`comment ${commentId} is about a path that was not frozen`);
  const origin = { itemId: frozen.itemId, path, snapshotId };
  const item = await findLiveItem(deps, review.sessionId, origin);
  const range = { first: lineNumber, last: endLineNumber ?? lineNumber };
  const base = frozen.bytes.toString('utf8');
  const result = applyWhereUnchanged({ base, live: item.content, range, lines });
  const { id: itemId, version, content: live } = item;
  const suggested = replaceLines(base, range, lines);
  return { itemId, path: item.path, version, fits: result !== null, base, suggested, live, result, review };
}

/** The live text with the lines replaced, where they are as they were, wherever they stand now; null where they are not. */
function applyWhereUnchanged(change: { base: string; live: string; range: LineRange; lines: string[] }): string | null {
  const { base, live, range, lines } = change;
  const ported = portRange(range, compareLines(base, live)).range;
  if (ported === null) return null;
  const was = textLines(base)
    .slice(range.first - 1, range.last)
    .join('\n');
  const is = textLines(live)
    .slice(ported.first - 1, ported.last)
    .join('\n');
  return was === is ? replaceLines(live, ported, lines) : null;
}

/** The file of the live session: by its id, else what was written anew at its path. */
async function findLiveItem(
  { database }: ItemDeps,
  sessionId: number,
  origin: { itemId: number; path: string; snapshotId: number },
): Promise<ItemRecord & { content: string }> {
  const same = await findItem(database, { sessionId, id: origin.itemId });
  const there = same ?? (await findItemByPath(database, { sessionId, path: origin.path }));
  const isOther =
    same === null &&
    there !== null &&
    (await findKnownItems(database, [{ snapshotId: origin.snapshotId, itemId: there.id }])).size > 0;
  const item = there === null || isOther ? null : await findItemWithContent(database, { sessionId, id: there.id });
  if (item === null || item.encoding !== 'utf8') {
    throw new AppError('SUGGESTION_OUTDATED', { detail: `${origin.path} is not in the session any more as a text.` });
  }
  return item;
}
