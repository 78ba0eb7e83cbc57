/** How long to wait, and what for: the words appear in the failure. */
export interface WaitOptions {
  deadlineMs?: number;
  what?: string;
}

/**
 * Waits until the condition gives something true, and resolves with it. A condition that throws counts as not yet; past
 * the deadline (20 s when not said) the last error is the cause of the failure.
 */
export async function waitFor<T>(
  condition: () => T | Promise<T>,
  options: WaitOptions = {},
): Promise<Exclude<Awaited<T>, false | null | undefined | 0 | ''>> {
  const started = Date.now();
  const deadlineMs = options.deadlineMs ?? 20_000;
  for (let pause = 5, cause: unknown; ; pause = Math.min(pause * 2, 100)) {
    try {
      const value = await condition();
      if (value) return value as Exclude<Awaited<T>, false | null | undefined | 0 | ''>;
    } catch (error) {
      cause = error;
    }
    if (Date.now() - started > deadlineMs) {
      throw new Error(`Waited ${String(deadlineMs)} ms in vain for ${options.what ?? String(condition)}`, { cause });
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}
