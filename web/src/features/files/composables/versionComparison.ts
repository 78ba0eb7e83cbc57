import type { ItemVersionWithContent, ItemWithContent } from '#shared/contracts/item.ts';
import { absoluteTime } from '../../../composables/format.ts';

/** One side of a comparison, and what it is called. */
export interface ComparedSide {
  name: string;
  size: number;
  content: string;
}

/** Two states of a file, the older one first. */
export interface Comparison {
  older: ComparedSide;
  newer: ComparedSide;
  isSame: boolean;
  isText: boolean;
}

/** Compares a version with another one, or with what the file is now. */
export function comparison({
  version,
  now,
  other,
}: {
  version: ItemVersionWithContent;
  now: Pick<ItemWithContent, 'sha256' | 'encoding' | 'content' | 'size'>;
  other: ItemVersionWithContent | null;
}): Comparison {
  const isSwapped = other !== null && other.id < version.id;
  const older = isSwapped ? other : version;
  const newer = isSwapped ? version : (other ?? now);
  return {
    older: { name: other === null ? 'then' : versionName(older), size: older.size, content: older.content },
    newer: {
      name: other === null ? 'now' : versionName(newer as ItemVersionWithContent),
      size: newer.size,
      content: newer.content,
    },
    isSame: older.sha256 === newer.sha256,
    isText: older.encoding === 'utf8' && newer.encoding === 'utf8',
  };
}

/** What a version is called where more than one is in sight: two of the same minute have different numbers. */
export function versionName({ version, createdAt }: Pick<ItemVersionWithContent, 'version' | 'createdAt'>): string {
  return `${version}: ${absoluteTime(createdAt)}`;
}
