/** Writes why the agent cannot start, plain and without a stack: a container's last words are what operators read as the cause. */
export function reportRefusal(error: unknown): void {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
}

/** Writes an unexpected failure to the agent's log, one line of JSON. */
export function reportFailure(error: unknown): void {
  const failure = error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) };
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...failure })}\n`);
}
