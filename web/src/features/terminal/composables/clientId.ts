import { randomKey } from '../../../api/client.ts';

const KEY = 'berth.terminalClient';

/**
 * Names this window for the numbering of its input; kept over reloads. A duplicated window starts with a copy of the
 * other's name, and two windows under one name would drop each other's keys: a lock finds out who came first.
 */
export async function claimClientId(): Promise<string> {
  // Where Berth is opened by plain http on a network address there are no locks: then each load of the page has a name of its own.
  if (!('locks' in navigator)) return randomKey();
  const kept = sessionStorage.getItem(KEY);
  if (kept !== null && (await isFree(kept))) return kept;
  const fresh = randomKey();
  sessionStorage.setItem(KEY, fresh);
  await isFree(fresh);
  return fresh;
}

/** Takes the name's lock until the page goes; false when another window has it. */
function isFree(name: string): Promise<boolean> {
  return new Promise((resolve) => {
    void navigator.locks.request(`${KEY}.${name}`, { ifAvailable: true }, (lock) => {
      resolve(lock !== null);
      // Held until the page goes.
      return lock === null ? undefined : new Promise<void>(() => undefined);
    });
  });
}
