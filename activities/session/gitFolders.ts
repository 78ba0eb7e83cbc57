import type { GitLook } from '#shared/contracts/agentGit.ts';
import {
  GIT_REASON,
  GIT_SAVED_REASON,
  GIT_UNREADABLE_REASON,
  isGitPath,
  MAX_GIT_FOLDERS,
} from '#shared/domain/gitFolders.ts';
import type { AgentClient } from '#platform/agent/AgentClient.ts';
import {
  forgetGitFolder,
  listGitFolders,
  noteMissingGit,
  retireGitFolder,
  saveGitFolder,
  type GitFolderRecord,
  type StoredGitPack,
} from '#platform/db/repositories/gitFolders.ts';
import { dropGitPack, GitPackWriter } from '#platform/db/repositories/gitPacks.ts';
import { publishNotSaved } from '#platform/db/repositories/itemEvents.ts';
import { NoRoomForGit, recordRestored, restoreGitFolder } from '#activities/session/gitRestore.ts';
import {
  judgeGit,
  judgeGitAbsences,
  type GitSides,
  type GitTerms,
  type GitVerdict,
} from '#activities/session/gitVerdicts.ts';
import { toldNotSaved, unknownPaths, type PodTree } from '#activities/session/podTree.ts';
import { commitFenced, type Cycle, type SyncDeps } from '#activities/session/syncCycle.ts';

/** How a cycle deals with `.git` folders. */
export interface GitRun {
  quietMs: number;
  /** No program runs any more. */
  ended: boolean;
  /** What could not be packed, by path and state, so that it is not tried again and again. */
  refused: Map<string, string>;
}

/** What the volume has of `.git` folders; null where the agent cannot tell. */
export interface GitFindings {
  looks: GitLook[] | null;
  /** Something is still to be done about one of them, and can be. */
  pending: boolean;
}

/** What the steps about `.git` folders work with. */
interface GitWork {
  client: AgentClient;
  cycle: Cycle;
  tree: PodTree;
  run: GitRun;
}

/** While open a `.git` is saved once it has been quiet for so long. */
export function openGitRun({ config }: Pick<SyncDeps, 'config'>): GitRun {
  return { quietMs: config.GIT_QUIET_SECONDS * 1_000, ended: false, refused: new Map() };
}

/** At close everything is saved as it is. */
export function endingGitRun(): GitRun {
  return { quietMs: 0, ended: true, refused: new Map() };
}

/**
 * Looks at the `.git` folders that a scan has found and says in the tree why each of them is not saved, or that it is. Nothing
 * is saved yet: files come first.
 */
export async function lookAtGit(deps: SyncDeps, work: GitWork): Promise<GitFindings> {
  const { client, cycle, tree } = work;
  if (!client.packsGit) return { looks: null, pending: false };
  const listed = tree.notSaved.filter(({ path, reason }) => reason === GIT_REASON && isGitPath(path));
  const paths = listed.slice(0, MAX_GIT_FOLDERS).map(({ path }) => path);
  const records = await listGitFolders(deps.database, cycle.ref.sessionId);
  if (paths.length === 0 && !records.some(({ removedAt }) => removedAt === null)) return { looks: [], pending: false };
  const found = paths.length === 0 ? [] : await askForLooks(deps, work, paths);
  const looks = await followMoved(deps, work, { volumeId: cycle.volume.id, looks: found, records });
  const sides = { volumeId: cycle.volume.id, looks, records };
  const { missed, gone, back, toRestore } = judgeGitAbsences(sides, {
    syncEpoch: cycle.syncEpoch,
    isUnknown: unknownPaths(tree),
  });
  const isPending = markReasons(deps, work, sides);
  const hasNews = missed.length + gone.length + back.length + (work.run.ended ? 0 : toRestore.length) > 0;
  return { looks, pending: isPending || hasNews };
}

async function askForLooks(deps: SyncDeps, { client, cycle }: GitWork, paths: string[]): Promise<GitLook[]> {
  return client.lookAtGit(paths, { syncEpoch: cycle.syncEpoch, maxBytes: deps.config.MAX_GIT_BYTES });
}

/**
 * Moves the `.git` of each folder that got another path in the database, before the merge: it would keep the old folder from
 * going. Resolves with the looks as they are then.
 */
async function followMoved(deps: SyncDeps, work: GitWork, sides: GitSides): Promise<GitLook[]> {
  const { client, cycle, tree, run } = work;
  const looks: GitLook[] = [];
  for (const look of sides.looks) {
    const verdict = judge(deps, { look, sides, run });
    if (verdict.is !== 'misplaced') {
      looks.push(look);
      continue;
    }
    const change = { op: 'rename' as const, from: look.path, to: verdict.to, expected: null };
    const [outcome] = await client.apply([change], { syncEpoch: cycle.syncEpoch, bulk: false });
    const isMoved = outcome?.outcome === 'applied';
    // Something is in the way there: it stays where it is, and is not saved.
    if (!isMoved) run.refused.set(stateKey(look), GIT_REASON);
    looks.push(isMoved ? { ...look, path: verdict.to } : look);
    if (isMoved)
      tree.notSaved = tree.notSaved.map((entry) => (entry.path === look.path ? { ...entry, path: verdict.to } : entry));
  }
  return looks;
}

/** Resolves with whether one of them can be saved and is not, as it is now. */
function markReasons(deps: SyncDeps, { tree, run }: GitWork, sides: GitSides): boolean {
  let pending = false;
  tree.notSaved = tree.notSaved.map((entry) => {
    if (entry.reason !== GIT_REASON) return entry;
    const look = sides.looks.find(({ path }) => path === entry.path);
    // It is there, and the agent may not enter it.
    if (look === undefined) return { path: entry.path, reason: GIT_UNREADABLE_REASON };
    const verdict = judge(deps, { look, sides, run });
    if (verdict.is === 'refused') return { path: entry.path, reason: verdict.reason };
    if (verdict.is !== 'saved') pending = true;
    const isSavedEarlier = sides.records.some(({ path, removedAt }) => path === entry.path && removedAt === null);
    return { path: entry.path, reason: verdict.is === 'saved' || isSavedEarlier ? GIT_SAVED_REASON : GIT_REASON };
  });
  return pending;
}

function judge(deps: SyncDeps, { look, sides, run }: { look: GitLook; sides: GitSides; run: GitRun }): GitVerdict {
  const reason = run.refused.get(stateKey(look));
  if (reason !== undefined) return { is: 'refused', reason };
  const terms: GitTerms = { ...run, maxSessionBytes: deps.config.MAX_SESSION_GIT_BYTES };
  return judgeGit(look, sides, terms);
}

function stateKey({ path, fingerprint }: GitLook): string {
  return `${fingerprint} ${path}`;
}

/**
 * Does what is due about the `.git` folders that were looked at: saves them, restores those that this volume never had, and
 * lets go those that two scans have not found. Each change is fenced. Throws Superseded.
 */
export async function settleGit(
  deps: SyncDeps,
  work: GitWork & { findings: GitFindings },
  heartbeat: () => void,
): Promise<void> {
  const { cycle, tree, run } = work;
  const { looks } = work.findings;
  if (looks === null || !work.findings.pending) return;
  for (const look of looks) {
    heartbeat();
    // Read again for each: moving one changes the others.
    const records = await listGitFolders(deps.database, cycle.ref.sessionId);
    const verdict = judge(deps, { look, sides: { volumeId: cycle.volume.id, looks, records }, run });
    if (verdict.is === 'due') await save(deps, { ...work, ...verdict, look }, heartbeat);
  }
  heartbeat();
  await settleAbsences(deps, { ...work, looks });
  await commitFenced(deps, cycle, (tx) =>
    publishNotSaved(deps.database, { sessionId: cycle.ref.sessionId, entries: toldNotSaved(tree) }, tx),
  );
}

/** A folder that is to be saved. */
interface DueGit extends GitWork {
  look: GitLook;
  known: GitFolderRecord | null;
  room: number;
}

async function save(deps: SyncDeps, work: DueGit, heartbeat: () => void): Promise<void> {
  const { cycle, look, known, tree, run } = work;
  const stored = known ?? (await store(deps, work, heartbeat));
  if (stored === null) return;
  if ('reason' in stored) {
    run.refused.set(stateKey(look), stored.reason);
    markOne(tree, look.path, stored.reason);
    return;
  }
  const { sessionId } = cycle.ref;
  await commitFenced(deps, cycle, async (tx) => {
    await saveGitFolder(deps.database, { sessionId, volumeId: cycle.volume.id, look, pack: stored }, tx);
    // Moved on the volume, or back: nothing was removed.
    const isElsewhere = known !== null && (known.path !== look.path || known.removedAt !== null);
    if (isElsewhere) await forgetGitFolder(deps.database, known.id, tx);
  });
  markOne(tree, look.path, GIT_SAVED_REASON);
}

function markOne(tree: PodTree, path: string, reason: string): void {
  tree.notSaved = tree.notSaved.map((entry) => (entry.path === path ? { path, reason } : entry));
}

/** Brings a pack into the database. Null when the folder moved meanwhile; the next cycle tries again. */
async function store(
  deps: SyncDeps,
  { client, cycle, look, run, room }: DueGit,
  heartbeat: () => void,
): Promise<StoredGitPack | { reason: string } | null> {
  const { path, fingerprint } = look;
  const writer = await GitPackWriter.begin(deps.database, cycle.ref.sessionId);
  const order = {
    syncEpoch: cycle.syncEpoch,
    path,
    fingerprint,
    // What the agent has said of its size is not believed.
    maxBytes: Math.min(deps.config.MAX_GIT_BYTES, room),
    ended: run.ended,
  };
  const packed = await client.packGit(order, (piece) => {
    heartbeat();
    return writer.add(piece);
  });
  await writer.end();
  if (packed.outcome === 'packed') return { packId: writer.id, size: packed.size, sha256: packed.sha256 };
  await dropGitPack(deps.database, writer.id);
  return packed.outcome === 'refused' ? { reason: packed.reason } : null;
}

async function settleAbsences(deps: SyncDeps, work: GitWork & { looks: GitLook[] }): Promise<void> {
  const { client, cycle, tree, looks, run } = work;
  const { database } = deps;
  const { id: volumeId } = cycle.volume;
  const records = await listGitFolders(database, cycle.ref.sessionId);
  const terms = { syncEpoch: cycle.syncEpoch, isUnknown: unknownPaths(tree) };
  const { missed, gone, back, toRestore } = judgeGitAbsences({ volumeId, looks, records }, terms);
  await commitFenced(deps, cycle, async (tx) => {
    await noteMissingGit(database, { ids: back.map(({ id }) => id), since: null }, tx);
    await noteMissingGit(database, { ids: missed.map(({ id }) => id), since: cycle.syncEpoch }, tx);
    for (const { id } of gone) await retireGitFolder(database, id, tx);
  });
  if (run.ended) return;
  for (const folder of toRestore) {
    const seen = await restoreIfRoom(deps, { client, cycle, folder });
    if (seen === 'present' || seen === 'no-room') continue;
    await commitFenced(deps, cycle, (tx) => recordRestored(deps, { volumeId, restored: [{ folder, seen }] }, tx));
  }
}

/** What a volume in use has no room for waits until its owner makes some. */
async function restoreIfRoom(
  deps: SyncDeps,
  work: { client: AgentClient; cycle: Cycle; folder: GitFolderRecord },
): Promise<Awaited<ReturnType<typeof restoreGitFolder>> | 'no-room'> {
  try {
    return await restoreGitFolder(deps, work);
  } catch (error) {
    if (!(error instanceof NoRoomForGit)) throw error;
    deps.log.warn({ session: work.cycle.ref.uuid, path: work.folder.path }, error.message);
    return 'no-room';
  }
}
