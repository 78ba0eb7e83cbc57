import type { V1Pod, Watch } from '@kubernetes/client-node';
import { KubernetesError, toKubernetesError } from '#platform/runtime/kubernetes/kubernetesError.ts';

/** A watch that brings nothing for this long, in milliseconds, not even a bookmark (one a minute), has stalled. */
export const WATCH_STALLS_MS = 150_000;
const CONNECT_MS = 15_000;
/** The server ends a watch after this time, in seconds; a list follows, which mends whatever the watch did not tell. */
const WATCH_SECONDS = 240;

/** Bookmarks, which only say that the watch is alive, are none. */
const CHANGES = new Set(['ADDED', 'MODIFIED', 'DELETED']);

/** What a watch is asked for. */
export interface PodWatch {
  selector: string;
  /** Where the list that came before ended. */
  resourceVersion: string;
  /** Ends the watch; it then resolves. */
  signal: AbortSignal;
  changed(pod: V1Pod): void;
}

/** Follows pods until the server ends the watch. Rejects with a KubernetesError when it fails, stalls or is answered with one. */
export async function followPods(watch: Watch, namespace: string, options: PodWatch): Promise<void> {
  const ended = Promise.withResolvers<void>();
  const refuse = (error: unknown): void => ended.reject(toKubernetesError(error, 'watch pods'));
  const connecting = watch.watch(
    `/api/v1/namespaces/${namespace}/pods`,
    {
      labelSelector: options.selector,
      resourceVersion: options.resourceVersion,
      timeoutSeconds: WATCH_SECONDS,
      allowWatchBookmarks: true,
    },
    (type: string, object: unknown) => {
      if (type === 'ERROR') refuse(watchError(object));
      else if (CHANGES.has(type) && !options.signal.aborted) options.changed(object as V1Pod);
    },
    (error: unknown) => {
      if (error === null || error === undefined || options.signal.aborted) ended.resolve();
      else refuse(error);
    },
  );
  // The library's own time-out is that of a quiet watch, much too long for a connection.
  const timer = setTimeout(() => refuse(new DOMException('no answer', 'TimeoutError')), CONNECT_MS);
  const stop = (): void => ended.resolve();
  options.signal.addEventListener('abort', stop, { once: true });
  connecting.then(
    () => clearTimeout(timer),
    (error: unknown) => refuse(error),
  );
  try {
    await ended.promise;
  } finally {
    clearTimeout(timer);
    options.signal.removeEventListener('abort', stop);
    void connecting.then(
      (controller) => controller.abort(),
      () => undefined, // Told above.
    );
  }
}

/** The server tells of a history that it has no more (410) within the stream. */
function watchError(object: unknown): KubernetesError {
  const { code, reason, message } = (object ?? {}) as { code?: number; reason?: string; message?: string };
  return new KubernetesError(`watch pods: ${message ?? 'the server ended it with an error'}`, {
    status: code ?? null,
    reason: reason ?? null,
  });
}
