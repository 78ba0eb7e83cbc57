import { claimClientId } from './clientId.ts';

/** A window: its own storage, and the locks of all windows where there are any. */
function inWindow(storage: Map<string, string>, locks: Set<string> | null): void {
  const request = (name: string, _options: object, take: (lock: object | null) => unknown): void => {
    const isFree = !locks?.has(name);
    locks?.add(name);
    take(isFree ? {} : null);
  };
  const globals = {
    sessionStorage: {
      getItem: (key: string) => storage.get(key) ?? null,
      setItem: (key: string, value: string) => void storage.set(key, value),
    },
    navigator: locks === null ? {} : { locks: { request } },
  };
  for (const [name, value] of Object.entries(globals)) {
    Object.defineProperty(globalThis, name, { value, configurable: true });
  }
}

describe('the name of a window for its input', () => {
  it('is the same after a reload, and another one in a duplicate of the window', async () => {
    const storage = new Map<string, string>();
    inWindow(storage, new Set());
    const first = await claimClientId();
    inWindow(storage, new Set());
    expect(await claimClientId()).toBe(first);
    const held = new Set([`berth.terminalClient.${first}`]);
    inWindow(new Map(storage), held);
    expect(await claimClientId()).not.toBe(first);
  });

  it('is never the one of another window where windows have no locks, as on plain http: they would drop each other’s keys', async () => {
    const storage = new Map<string, string>();
    inWindow(storage, null);
    const first = await claimClientId();
    inWindow(new Map(storage), null);
    expect(await claimClientId()).not.toBe(first);
  });
});
