/** An expected failure that goes back to the caller with its code. */
export class AgentFailure extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'AgentFailure';
    this.code = code;
  }
}

/** The system's code of an error (ENOENT, say), or an empty string. */
export function systemCode(error: unknown): string {
  if (typeof error !== 'object' || error === null || !('code' in error)) return '';
  return typeof error.code === 'string' ? error.code : '';
}
