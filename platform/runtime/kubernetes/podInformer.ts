import { setTimeout as pause } from 'node:timers/promises';
import type { V1Pod } from '@kubernetes/client-node';
import type { Logger } from 'pino';
import type { KubernetesClient } from '#platform/runtime/kubernetes/client.ts';
import { installationSelector, readOwnLabels } from '#platform/runtime/kubernetes/labels.ts';

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 30_000;

/** Tells which sessions' pods may have changed: one list and one watch for everybody in this process. */
export interface PodInformer {
  /** Calls back with a session's uuid; a hint, no evidence. Returns the way to stop. The first begins the watch. */
  subscribe(changed: (uuid: string) => void): () => void;
  /** Ends the watch. */
  close(): Promise<void>;
}

/** What an informer works with. */
export interface InformerOptions {
  client: Pick<KubernetesClient, 'listPods' | 'watchPods'>;
  installationId(): Promise<string>;
  log: Logger;
}

/**
 * Lists and watches from the first who listens until it is closed. A failure of any kind (410, 429, 5xx, a stalled stream) is followed by a new
 * list after a jittered pause, and the list is compared with what was known, so nothing that happened meanwhile is missed.
 * What it says is never taken for the truth: whoever is told reads the pod itself.
 */
export function createPodInformer({ client, installationId, log }: InformerOptions): PodInformer {
  const listeners = new Set<(uuid: string) => void>();
  /** The version of each pod that was told last. */
  const known = new Map<string, string>();
  const closing = new AbortController();
  let following: Promise<void> | null = null;

  function tell(uuid: string): void {
    for (const listener of [...listeners]) listener(uuid);
  }

  function note(pod: V1Pod): void {
    const uuid = readOwnLabels(pod.metadata)?.uuid;
    if (uuid === undefined) return;
    known.set(uuid, version(pod));
    tell(uuid);
  }

  function compare(pods: V1Pod[]): void {
    const now = new Map(pods.map((pod) => [readOwnLabels(pod.metadata)?.uuid ?? '', version(pod)]));
    const all = new Set([...known.keys(), ...now.keys()]);
    const changed = [...all].filter((uuid) => uuid !== '' && known.get(uuid) !== now.get(uuid));
    known.clear();
    for (const [uuid, told] of now) known.set(uuid, told);
    changed.forEach(tell);
  }

  async function follow(signal: AbortSignal): Promise<void> {
    let wait = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      try {
        const selector = installationSelector(await installationId());
        const { items, resourceVersion } = await client.listPods(selector);
        if (signal.aborted) return;
        compare(items);
        const watchedSince = Date.now();
        await client.watchPods({ selector, resourceVersion, signal, changed: note });
        // A server that ends each watch at once would be asked in a tight loop.
        if (Date.now() - watchedSince > FIRST_PAUSE_MS) wait = FIRST_PAUSE_MS;
        else await rest(wait, signal);
      } catch (error) {
        if (signal.aborted) return;
        log.warn({ err: error, againInMs: wait }, 'the watch of pods failed');
        await rest(wait, signal);
        wait = Math.min(2 * wait, LONGEST_PAUSE_MS);
      }
    }
  }

  return {
    subscribe(changed) {
      // One function may listen twice; each has its own end.
      const listener = (uuid: string): void => changed(uuid);
      listeners.add(listener);
      following ??= follow(closing.signal);
      return () => void listeners.delete(listener);
    },
    async close() {
      listeners.clear();
      closing.abort();
      await following;
    },
  };
}

/** Waits for hints about one session. */
export interface PodHints {
  /** Resolves at the next hint, at once when there was one since the last time, and at the latest after that time. */
  next(milliseconds: number): Promise<void>;
  stop(): void;
}

/** Listens for one session until it is stopped: instead of asking the API server again and again. */
export function listenFor(informer: Pick<PodInformer, 'subscribe'>, uuid: string): PodHints {
  let hinted = false;
  let wake = (): void => undefined;
  const stop = informer.subscribe((changed) => {
    if (changed !== uuid) return;
    hinted = true;
    wake();
  });
  return {
    async next(milliseconds) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, hinted ? 0 : milliseconds);
        wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
      hinted = false;
    },
    stop,
  };
}

function version(pod: V1Pod): string {
  return `${pod.metadata?.uid ?? ''} ${pod.metadata?.resourceVersion ?? ''}`;
}

/** Jittered, so that many processes do not come back to a server that has just recovered all at once. */
async function rest(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds * (0.5 + Math.random()), undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}
