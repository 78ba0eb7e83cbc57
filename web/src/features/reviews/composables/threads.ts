import type { ConversationComment } from '#shared/contracts/reviewConversation.ts';
import { commentTypeWord } from '../../../composables/reviewWords.ts';

/** A comment with its replies, oldest first. */
export interface Thread {
  root: ConversationComment;
  replies: ConversationComment[];
}

/** Comments as threads, in the order in which they began. A reply whose root is not shown begins one of its own. */
export function toThreads(comments: readonly ConversationComment[]): Thread[] {
  const ordered = comments.toSorted((left, right) => left.id - right.id);
  const threads = new Map<number, Thread>();
  for (const comment of ordered) {
    const parent = comment.parentCommentId === null ? undefined : threads.get(comment.parentCommentId);
    if (parent) parent.replies.push(comment);
    else threads.set(comment.id, { root: comment, replies: [] });
  }
  return [...threads.values()];
}

/** The threads that stand below lines of a file now, by line. */
export function threadsByLine(threads: readonly Thread[], path: string): Map<number, Thread[]> {
  const byLine = new Map<number, Thread[]>();
  for (const thread of threads) {
    const { place } = thread.root;
    if (place.path !== path || place.lineNumber === null) continue;
    const line = place.endLineNumber ?? place.lineNumber;
    byLine.set(line, [...(byLine.get(line) ?? []), thread]);
  }
  return byLine;
}

/** The threads about a file as a whole, those that have lost their lines among them. */
export function threadsOfFile(threads: readonly Thread[], path: string): Thread[] {
  return threads.filter(({ root: { place } }) => place.path === path && place.lineNumber === null);
}

/** How many threads each file has, for marks in the tree. */
export function countByPath(threads: readonly Thread[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { root } of threads) {
    const { path } = root.place;
    if (path !== null) counts.set(path, (counts.get(path) ?? 0) + 1);
  }
  return counts;
}

/** A range of lines as people read it. */
export function lineWords(first: number, last: number | null): string {
  return last !== null && last !== first ? `${first}–${last}` : `${first}`;
}

/** What became of the place that a comment was written at; null when it is the same. */
export function placeWords(comment: ConversationComment): { word: string; detail: string } | null {
  const { place, path, lineNumber, endLineNumber } = comment;
  if (path === null) return null;
  const was = lineNumber === null ? path : `${path}:${lineWords(lineNumber, endLineNumber)}`;
  if (place.state === 'shifted') return { word: 'Moved', detail: `It was written at ${was}.` };
  if (place.state === 'outdated' && place.path === null)
    return { word: 'File deleted', detail: `It was written at ${was}.` };
  if (place.state === 'outdated') return { word: 'Outdated', detail: `These lines of ${was} have changed.` };
  return place.path === path ? null : { word: 'Renamed', detail: `It was written at ${was}.` };
}

/** Drafts as text to be kept elsewhere, each with its place and what it quotes. */
export function draftsAsText(drafts: readonly ConversationComment[]): string {
  return drafts
    .map(({ path, lineNumber, endLineNumber, quotedText, text, type }) => {
      const place =
        path === null ? '' : `${path}${lineNumber === null ? '' : `:${lineWords(lineNumber, endLineNumber)}`} · `;
      const quote = quotedText === null ? '' : `${quotedText.replaceAll(/^/gm, '> ')}\n`;
      return `${place}${commentTypeWord(type).word}\n${quote}${text}\n`;
    })
    .join('\n');
}
