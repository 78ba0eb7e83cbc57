import { z } from 'zod';
import { Item } from '#shared/contracts/item.ts';
import { MAX_GLOBS_LENGTH } from '#shared/domain/pathGlobs.ts';

/** Lines that a search shows of one file; `more` says that there are others. */
export const MAX_LINES_OF_FILE = 20;
/** Characters that a search shows of one line, with the match among them. */
export const MAX_LINE_CHARACTERS = 240;

const Globs = z.string().max(MAX_GLOBS_LENGTH);

/**
 * Query of a search: one line of text, taken as it is, or with `match: pattern` a regular expression of PostgreSQL that is held
 * against each line of the files. `include` and `exclude` are globs of paths, separated by
 * commas.
 */
export const SearchQuery = z.strictObject({
  q: z
    .string()
    .min(1)
    .max(200)
    .regex(/^[^\r\n]*$/, 'must be one line'),
  in: z.enum(['names', 'content']).default('content'),
  case: z.enum(['ignore', 'match']).default('ignore'),
  match: z.enum(['text', 'pattern']).default('text'),
  include: Globs.optional(),
  exclude: Globs.optional(),
  cursor: z.string().max(6_000).optional(),
  limit: z.coerce.number().int().min(1).max(100).default(50),
});
export type SearchQuery = z.infer<typeof SearchQuery>;

/**
 * A line with the text. `line` and `column` count from 1, columns in UTF-16 units; `endColumn` is after the match. `text` is
 * the part of the line around the match that begins at `textColumn`.
 */
export const FoundLine = z.object({
  line: z.int(),
  column: z.int(),
  endColumn: z.int(),
  text: z.string(),
  textColumn: z.int(),
});
export type FoundLine = z.infer<typeof FoundLine>;

/** A file or folder that was found. `lines` is empty in a search by name. `more`: it has more lines than are told. */
export const FoundItem = z.object({ item: Item, lines: z.array(FoundLine), more: z.boolean() });
export type FoundItem = z.infer<typeof FoundItem>;

/** What a search found: by content in the order of paths, by name the best first. `nextCursor` is null when there is no more. */
export const SearchResult = z.object({ items: z.array(FoundItem), nextCursor: z.string().nullable() });
export type SearchResult = z.infer<typeof SearchResult>;
