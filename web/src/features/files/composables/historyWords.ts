import type { ItemVersion } from '#shared/contracts/item.ts';
import type { DeletedFile } from '#shared/contracts/restore.ts';

const VERSION_WORDS: Readonly<Record<ItemVersion['source'], string>> = {
  starter: 'starter file',
  editor: 'in the editor',
  terminal: 'in a terminal',
  merge: 'merged from editor and terminal',
  restore: 'restored',
  upload: 'uploaded',
};
const DELETION_WORDS: Readonly<Record<DeletedFile['source'], string>> = {
  editor: 'in the editor',
  terminal: 'in a terminal',
  restore: 'by a restore',
};

/** "alice, in the editor": who made a version and from where. */
export function sourceWord(version: Pick<ItemVersion, 'source' | 'createdBy'>): string {
  const word = VERSION_WORDS[version.source];
  return version.createdBy === null || version.source === 'starter' ? word : `${version.createdBy}, ${word}`;
}

/** "alice, in the editor": who deleted a file and from where. */
export function deletionWord(file: Pick<DeletedFile, 'source' | 'deletedBy'>): string {
  const word = DELETION_WORDS[file.source];
  return file.deletedBy === null ? word : `${file.deletedBy}, ${word}`;
}

/** A moment as a datetime-local field holds it: in the reader's zone, to the second. */
export function fieldMoment(moment: Date): string {
  const local = new Date(moment.getTime() - moment.getTimezoneOffset() * 60_000);
  return local.toISOString().slice(0, 19);
}
