import { MAX_LINE_CHARACTERS, MAX_LINES_OF_FILE, type FoundLine } from '#shared/contracts/search.ts';
import type { Database, Tx } from '#platform/db/database.ts';
import { ITEM_COLUMNS, type ItemRecord } from '#platform/db/repositories/items.ts';

/** A search in one session. Patterns are regular expressions of PostgreSQL for whole paths. */
export interface ItemSearch {
  sessionId: number;
  /** Taken as it is, or a pattern in a search by one. */
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

/** A search in contents: files by path, those after `afterPath`. */
export type ContentSearch = ItemSearch & { afterPath: string | null };

/**
 * Text files with the text in them, by path. What is found depends on stored text alone: binary files and symlinks are left
 * out. Reads files one after the other and stops once there are enough.
 */
export function searchContent(database: Database, search: ContentSearch, tx: Tx): Promise<FoundRecord[]> {
  const fold = foldOf(search);
  const matching = {
    mayHold: `size >= octet_length($4)`,
    holds: `strpos(${fold('content')}, $4) > 0`,
    at: `strpos(${fold('raw')}, $4)`,
    width: `length($4)`,
  };
  return findLines(database, { search, wanted: folded(search), matching }, tx);
}

/**
 * As `searchContent`, with a regular expression of PostgreSQL that is held against each line; it has been checked by
 * `checkPattern`.
 */
export function searchPattern(database: Database, search: ContentSearch, tx: Tx): Promise<FoundRecord[]> {
  const lines = `CASE WHEN strpos(content, E'\\r') > 0 THEN replace(content, E'\\r\\n', E'\\n') ELSE content END`;
  const line = `rtrim(raw, E'\\r')`;
  const matching = {
    mayHold: `size > 0`,
    // A match over several lines is none of any of them; such a file has no lines to show and is left out below.
    holds: `${lines} ~ $4`,
    at: `regexp_instr(${line}, $4)`,
    width: `regexp_instr(${line}, $4, 1, 1, 1) - at`,
  };
  return findLines(database, { search, wanted: linePattern(search), matching }, tx);
}

/** Reads a pattern as a search will. `matchesNothing`: it is found in an empty line. Rejects with the database's error for none. */
export async function checkPattern(
  database: Database,
  pattern: Pick<ItemSearch, 'text' | 'matchCase'>,
  tx: Tx,
): Promise<{ matchesNothing: boolean }> {
  const [row] = await database.query<{ empty: boolean }>(`SELECT '' ~ $1 AS empty`, [linePattern(pattern)], tx);
  return { matchesNothing: row!.empty };
}

/** `n`: neither a dot nor a negated class goes beyond its line, and `^` and `$` are the ends of one. */
function linePattern({ text, matchCase }: Pick<ItemSearch, 'text' | 'matchCase'>): string {
  return `(?n${matchCase ? '' : 'i'})${text}`;
}

interface LineMatching {
  /** Tells files apart that cannot hold it without reading them. */
  mayHold: string;
  /** Of a file's content. */
  holds: string;
  /** Of a `raw` line: where the first match begins, 0 for none. */
  at: string;
  /** Of a line with a match: its length. */
  width: string;
}

function findLines(
  database: Database,
  { search, wanted, matching }: { search: ContentSearch; wanted: string; matching: LineMatching },
  tx: Tx,
): Promise<FoundRecord[]> {
  const { mayHold, holds, at, width } = matching;
  return database.query<FoundRecord>(
    // OFFSET 0 keeps the planner from reading every content before it sorts: paths are put in order first, without contents.
    `SELECT ${ITEM_COLUMNS}, lines, more FROM (
       SELECT f.*, l.lines, l.more FROM (
         SELECT id AS ordered_id, full_path AS ordered_path FROM workspace_items
         WHERE ${IS_WANTED} AND type = 'file' AND encoding = 'utf8' AND ${mayHold}
           AND ($5::text IS NULL OR full_path COLLATE "C" > $5)
         ORDER BY full_path COLLATE "C" OFFSET 0) AS o
       CROSS JOIN LATERAL (
         SELECT * FROM workspace_items WHERE id = o.ordered_id AND ${holds} OFFSET 0) AS f
       CROSS JOIN LATERAL (
         SELECT coalesce(json_agg(line ORDER BY number) FILTER (WHERE number_here <= ${MAX_LINES_OF_FILE}), '[]') AS lines,
           count(*) > ${MAX_LINES_OF_FILE} AS more FROM (
           SELECT number, row_number() OVER (ORDER BY number) AS number_here, json_build_object('line', number,
             'column', ${units('before')} + 1, 'endColumn', ${units('before')} + 1 + ${units('found')},
             'text', substr(text, place, ${MAX_LINE_CHARACTERS}), 'textColumn', ${units('left(text, place - 1)')} + 1) AS line
           FROM (
             SELECT number, text, left(text, at - 1) AS before, substr(text, at, ${width}) AS found, greatest(1, at - ${LEAD}) AS place
             FROM string_to_table(f.content, E'\\n') WITH ORDINALITY AS s (raw, number)
             CROSS JOIN LATERAL (SELECT rtrim(raw, E'\\r') AS text, ${at} AS at) AS m
             WHERE at > 0 LIMIT ${MAX_LINES_OF_FILE + 1}) AS shown) AS numbered) AS l
       WHERE json_array_length(l.lines) > 0
       LIMIT $6) AS found ORDER BY full_path COLLATE "C"`,
    [search.sessionId, search.include, search.exclude, wanted, search.afterPath, search.limit],
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
