import type { Database, Tx } from '#platform/db/database.ts';

/** The most bytes of one part. */
export const GIT_PART_BYTES = 1024 * 1024;

/** Writes a pack part by part, each in a statement of its own. It is nobody's until a folder refers to it. */
export class GitPackWriter {
  readonly id: number;
  #database: Database;
  #buffer = Buffer.allocUnsafeSlow(GIT_PART_BYTES);
  #filled = 0;
  #parts = 0;

  private constructor(database: Database, id: number) {
    this.#database = database;
    this.id = id;
  }

  /** Begins a pack of that session. */
  static async begin(database: Database, sessionId: number): Promise<GitPackWriter> {
    const rows = await database.query<{ id: number }>(
      `INSERT INTO git_packs (session_id) VALUES ($1) RETURNING id::float8 AS id`,
      [sessionId],
    );
    return new GitPackWriter(database, rows[0]!.id);
  }

  /** Takes more bytes; they may change once this has resolved. */
  async add(bytes: Uint8Array): Promise<void> {
    for (let start = 0; start < bytes.byteLength;) {
      const piece = bytes.subarray(start, start + GIT_PART_BYTES - this.#filled);
      this.#buffer.set(piece, this.#filled);
      this.#filled += piece.byteLength;
      start += piece.byteLength;
      if (this.#filled === GIT_PART_BYTES) await this.#flush();
    }
  }

  /** Resolves once all is stored. */
  async end(): Promise<void> {
    if (this.#filled > 0) await this.#flush();
  }

  async #flush(): Promise<void> {
    await this.#database.query(`INSERT INTO git_pack_parts (pack_id, part, bytes) VALUES ($1, $2, $3)`, [
      this.id,
      this.#parts,
      this.#buffer.subarray(0, this.#filled),
    ]);
    this.#parts += 1;
    this.#filled = 0;
  }
}

/** The bytes of a pack, one part in memory at a time. Ends early where a part is missing, which its digest shows. */
export async function* readGitPack(database: Database, packId: number): AsyncGenerator<Buffer> {
  for (let part = 0; ; part += 1) {
    const rows = await database.query<{ bytes: Buffer }>(
      `SELECT bytes FROM git_pack_parts WHERE pack_id = $1 AND part = $2`,
      [packId, part],
    );
    if (rows[0] === undefined) return;
    yield rows[0].bytes;
  }
}

/** Removes a pack that no folder refers to; any other stays. */
export async function dropGitPack(database: Database, packId: number, tx: Tx = null): Promise<void> {
  await database.query(
    `DELETE FROM git_packs p WHERE p.id = $1 AND NOT EXISTS (SELECT 1 FROM git_folders f WHERE f.pack_id = p.id)`,
    [packId],
    tx,
  );
}
