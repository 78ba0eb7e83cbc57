import type { TreeEntry } from '#shared/domain/merge.ts';
import { pairMovedItems } from '#shared/domain/itemRenames.ts';
import { Renames, type Rename } from '#shared/domain/renames.ts';
import type { AgentChange, AgentClient, ChangeOutcome } from '#platform/agent/AgentClient.ts';
import { forgetSent, recordSent } from '#platform/db/repositories/sentChanges.ts';
import { moveBase, type BaseEntry } from '#platform/db/repositories/syncBase.ts';
import { commitFenced, type Cycle, type SyncDeps } from '#activities/session/syncCycle.ts';

/** A rename of the volume: where the item lies by the time of its turn, and what the base says of it. */
interface Step extends Rename {
  present: string;
  entry: TreeEntry;
}

/**
 * Renames on the volume what was renamed in the editor while nobody could hand that on, before anything is scanned: what a
 * program wrote under the old name goes along, and is merged where the item is now. What the volume refuses is left to the
 * merge. The base moves with what was renamed, also in `cycle`. Resolves with how many were. Throws Superseded.
 */
export async function carryRenames(
  deps: Pick<SyncDeps, 'database'>,
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  heartbeat: () => void,
): Promise<number> {
  const wanted = pairMovedItems(cycle.base, cycle.rows);
  if (wanted.size === 0) return 0;
  const { database } = deps;
  const volumeId = cycle.volume.id;
  const sent = movedBase(cycle.base, wanted);
  const changes = [
    ...sent.removed.map((path) => ({ path, entry: null })),
    ...sent.put.map((entry) => ({ path: entry.path, entry })),
  ];
  const ids = await commitFenced(deps, cycle, (tx) => recordSent(database, { volumeId, changes }, tx));
  heartbeat();
  const done = await renameOnVolume({ client, cycle }, planSteps(cycle, wanted));
  const moved = movedBase(cycle.base, done);
  await commitFenced(deps, cycle, async (tx) => {
    await moveBase(database, { volumeId, ...moved }, tx);
    const applied = [...moved.removed, ...moved.put.map(({ path }) => path)];
    await forgetSent(database, { volumeId, ids, applied }, tx);
  });
  cycle.base = done.apply(cycle.base);
  return done.size;
}

/** What a base is to lose and to get when paths are renamed. */
export function movedBase(
  base: ReadonlyMap<string, TreeEntry>,
  renames: Renames,
): { put: BaseEntry[]; removed: string[] } {
  const moved = [...base].filter(([path]) => renames.placeOf(path) !== path);
  const put = moved.map(([path, { type, sha256, executable }]) => ({
    path: renames.placeOf(path),
    type,
    sha256,
    executable,
  }));
  return { put, removed: moved.map(([path]) => path) };
}

function planSteps({ base }: Cycle, renames: Renames): Step[] {
  const before = new Renames();
  return renames.list().map(({ from, to }) => {
    const step = { from, to, present: before.placeOf(from), entry: base.get(from)! };
    before.add({ from, to });
    return step;
  });
}

/** Only the name is to change: a file that a program has edited meanwhile is renamed with what it holds now. */
async function renameOnVolume(
  { client, cycle }: { client: AgentClient; cycle: Cycle },
  steps: Step[],
): Promise<Renames> {
  const { syncEpoch } = cycle;
  const done = new Renames();
  const apply = async (some: Array<{ step: Step; expected: string | null }>): Promise<ChangeOutcome[]> => {
    const changes = some.map(({ step, expected }): AgentChange => ({
      op: 'rename',
      from: step.present,
      to: step.to,
      expected,
    }));
    const outcomes = changes.length === 0 ? [] : await client.apply(changes, { syncEpoch, bulk: changes.length > 20 });
    some.forEach(({ step }, index) => {
      if (outcomes[index]?.outcome === 'applied') done.add(step);
    });
    return outcomes;
  };
  const outcomes = await apply(steps.map((step) => ({ step, expected: step.entry.sha256 })));
  await apply(
    steps.flatMap((step, index) => {
      const outcome = outcomes[index];
      const isEdited = outcome?.outcome === 'unexpected' && outcome.found !== null && step.entry.type !== 'folder';
      return isEdited ? [{ step, expected: outcome.found }] : [];
    }),
  );
  return done;
}
