/** Writes an unexpected failure to the agent's log, one line of JSON. */
export function reportFailure(error: unknown): void {
  const failure = error instanceof Error ? { message: error.message, stack: error.stack } : { message: String(error) };
  process.stderr.write(`${JSON.stringify({ time: new Date().toISOString(), ...failure })}\n`);
}
