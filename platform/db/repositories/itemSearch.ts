import { MAX_LINE_CHARACTERS, MAX_LINES_OF_FILE, type FoundLine } from '#shared/contracts/search.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { ITEM_COLUMNS, type ItemRecord } from '#platform/db/repositories/items.ts';

/** A search in one session. Patterns are regular expressions of PostgreSQL for whole paths. */
export interface ItemSearch {
  sessionId: number;
  /** Taken as it is. */
  text: string;
  matchCase: boolean;
  include: string | null;
  exclude: string | null;
  limit: number;
}

/** An item that was found, with its lines. */
export type FoundRecord = ItemRecord & { lines: FoundLine[]; more: boolean };

const IS_WANTED = `session_id = $1 AND ($2::text IS NULL OR full_path ~ $2) AND ($3::text IS NULL OR full_path !~ $3)`;

/** Characters of a line before the match that are shown. */
const LEAD = 60;
/** UTF-16 units of a text: characters beyond the first plane count two. */
const units = (text: string): string => `(length(${text}) + CASE WHEN octet_length(${text}) = length(${text}) THEN 0
  ELSE length(regexp_replace(${text}, '[^\\U00010000-\\U0010FFFF]', '', 'g')) END)`;

/**
 * Text files with the text in them, by path, those after `afterPath`. What is found depends on stored text alone: binary files
 * and symlinks are left out. Reads files one after the other and stops once there are enough.
 */
export function searchContent(
  database: Database,
  search: ItemSearch & { afterPath: string | null },
  tx: Tx,
): Promise<FoundRecord[]> {
  const fold = foldOf(search);
  return database.query<FoundRecord>(
    // OFFSET 0 keeps the planner from reading every content before it sorts: paths are put in order first, without contents.
    `SELECT ${ITEM_COLUMNS}, lines, more FROM (
       SELECT f.*, l.lines, l.more FROM (
         SELECT id AS ordered_id, full_path AS ordered_path FROM workspace_items
         WHERE ${IS_WANTED} AND type = 'file' AND encoding = 'utf8' AND size >= octet_length($4)
           AND ($5::text IS NULL OR full_path COLLATE "C" > $5)
         ORDER BY full_path COLLATE "C" OFFSET 0) AS o
       CROSS JOIN LATERAL (
         SELECT * FROM workspace_items WHERE id = o.ordered_id AND strpos(${fold('content')}, $4) > 0 OFFSET 0) AS f
       CROSS JOIN LATERAL (
         SELECT coalesce(json_agg(line ORDER BY number) FILTER (WHERE number_here <= ${MAX_LINES_OF_FILE}), '[]') AS lines,
           count(*) > ${MAX_LINES_OF_FILE} AS more FROM (
           SELECT number, row_number() OVER (ORDER BY number) AS number_here, json_build_object('line', number,
             'column', ${units('before')} + 1, 'endColumn', ${units('before')} + 1 + ${units('found')},
             'text', substr(text, place, ${MAX_LINE_CHARACTERS}), 'textColumn', ${units('left(text, place - 1)')} + 1) AS line
           FROM (
             SELECT number, text, left(text, at - 1) AS before, substr(text, at, length($4)) AS found, greatest(1, at - ${LEAD}) AS place
             FROM string_to_table(f.content, E'\\n') WITH ORDINALITY AS s (raw, number)
             CROSS JOIN LATERAL (SELECT rtrim(raw, E'\\r') AS text, strpos(${fold('raw')}, $4) AS at) AS m
             WHERE at > 0 LIMIT ${MAX_LINES_OF_FILE + 1}) AS shown) AS numbered) AS l
       LIMIT $6) AS found ORDER BY full_path COLLATE "C"`,
    [search.sessionId, search.include, search.exclude, folded(search), search.afterPath, search.limit],
    tx,
  );
}

/** Files and folders whose name or path has the text in it, or its characters in that order; the best first. */
export function searchNames(database: Database, search: ItemSearch, tx: Tx): Promise<FoundRecord[]> {
  const fold = foldOf(search);
  const text = folded(search);
  const inOrder = `%${Array.from(text, (character) => character.replace(/[\\%_]/, '\\$&')).join('%')}%`;
  return database.query<FoundRecord>(
    `SELECT ${ITEM_COLUMNS}, '[]'::json AS lines, false AS more FROM workspace_items CROSS JOIN LATERAL (
       SELECT CASE WHEN ${fold('name')} = $4 THEN 0 WHEN starts_with(${fold('name')}, $4) THEN 1
         WHEN strpos(${fold('name')}, $4) > 0 THEN 2 WHEN strpos(${fold('full_path')}, $4) > 0 THEN 3
         WHEN ${fold('name')} LIKE $5 THEN 4 WHEN ${fold('full_path')} LIKE $5 THEN 5 END AS rank) AS r
     WHERE ${IS_WANTED} AND rank IS NOT NULL
     ORDER BY rank, length(full_path), full_path COLLATE "C" LIMIT $6`,
    [search.sessionId, search.include, search.exclude, text, inOrder, search.limit],
    tx,
  );
}

const isAscii = (text: string): boolean => /^[\x20-\x7e\t]*$/.test(text);

/** How a column is compared. For a text of ASCII only ASCII's letters matter, and folding those alone is many times faster. */
function foldOf({ text, matchCase }: ItemSearch): (column: string) => string {
  if (matchCase) return (column) => column;
  return isAscii(text) ? (column) => `lower(${column} COLLATE "C")` : (column) => `lower(${column})`;
}

/** Lower case of the text with one character for each. */
function folded({ text, matchCase }: ItemSearch): string {
  if (matchCase) return text;
  return Array.from(text, (character) => {
    const lower = character.toLowerCase();
    return Array.from(lower).length === 1 ? lower : character;
  }).join('');
}
