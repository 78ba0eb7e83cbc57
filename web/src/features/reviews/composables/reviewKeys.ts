/** What the keys of the review page do, in the order of the help. */
export const REVIEW_KEYS = [
  { key: 'j', does: 'nextFile', words: 'Next file' },
  { key: 'k', does: 'previousFile', words: 'Previous file' },
  { key: 'n', does: 'nextThread', words: 'Next comment' },
  { key: 'p', does: 'previousThread', words: 'Previous comment' },
  { key: 'c', does: 'comment', words: 'Comment: on the line with the cursor, or on the whole' },
  { key: 'r', does: 'reply', words: 'Reply to the comment that has the focus' },
  { key: 'v', does: 'toggleViewed', words: 'Mark the file as viewed, or not' },
  { key: '?', does: 'help', words: 'Show these keys' },
] as const;
/** Something that a key of the review page does. */
export type ReviewKeyAction = (typeof REVIEW_KEYS)[number]['does'];

/** A key press, as far as it matters here. */
export interface KeyPress {
  key: string;
  ctrlKey: boolean;
  metaKey: boolean;
  altKey: boolean;
  defaultPrevented: boolean;
  /** Where it was pressed. */
  place: 'page' | 'field' | 'dialog';
}

/** What a key press asks for; null while somebody types, in a dialog, with another key held, or when it is taken already. */
export function actionOfKey(press: KeyPress): ReviewKeyAction | null {
  const held = press.ctrlKey || press.metaKey || press.altKey;
  if (held || press.defaultPrevented || press.place !== 'page') return null;
  return REVIEW_KEYS.find(({ key }) => key === press.key)?.does ?? null;
}

/** The one after or before `current` in a list, going round; the first or last one when `current` is not in it. */
export function neighbour<Item>(items: readonly Item[], current: Item | null, step: 1 | -1): Item | null {
  if (items.length === 0) return null;
  const index = current === null ? -1 : items.indexOf(current);
  if (index === -1) return items.at(step === 1 ? 0 : -1) ?? null;
  return items[(index + step + items.length) % items.length] ?? null;
}
