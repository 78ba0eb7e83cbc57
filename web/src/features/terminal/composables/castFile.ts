/** What happens in a recording, and when, in seconds from its beginning. */
export interface CastEvent {
  at: number;
  kind: 'output' | 'size';
  text: string;
}

/** A recording that can be played. */
export interface CastFile {
  cols: number;
  rows: number;
  seconds: number;
  events: CastEvent[];
}

/** The most rows and columns of a screen that plays: a recording is a file, and may say anything. */
const MAX_SIDE = 500;
const KINDS: Readonly<Record<string, CastEvent['kind']>> = { o: 'output', r: 'size' };

/** Reads an asciicast of version 2. A last line that was cut off is left out. Null when it is no recording. */
export function readCast(text: string): CastFile | null {
  const [first = '', ...lines] = text.split('\n');
  const header = readJson(first) as { version?: unknown; width?: unknown; height?: unknown } | null;
  if (header?.version !== 2) return null;
  const events: CastEvent[] = [];
  let seconds = 0;
  for (const line of lines) {
    const event = readEvent(readJson(line), seconds);
    if (event === null) continue;
    seconds = event.at;
    if (event.kind !== null) events.push({ at: event.at, kind: event.kind, text: event.text });
  }
  return { cols: side(header.width, 80), rows: side(header.height, 24), seconds, events };
}

/** The size that a recording names; null when it is none. */
export function readCastSize(text: string): { cols: number; rows: number } | null {
  const match = /^(\d{1,4})x(\d{1,4})$/.exec(text);
  return match ? { cols: side(Number(match[1]), 80), rows: side(Number(match[2]), 24) } : null;
}

/** Time never goes back in a recording; kinds that are not played have none, but their time counts. */
function readEvent(
  value: unknown,
  before: number,
): { at: number; kind: CastEvent['kind'] | null; text: string } | null {
  if (!Array.isArray(value)) return null;
  const [at, code, text] = value as unknown[];
  if (typeof at !== 'number' || !Number.isFinite(at) || typeof text !== 'string') return null;
  return { at: Math.max(at, before), kind: KINDS[String(code)] ?? null, text };
}

function side(value: unknown, otherwise: number): number {
  const whole = typeof value === 'number' && Number.isInteger(value) && value > 0 ? value : otherwise;
  return Math.min(whole, MAX_SIDE);
}

function readJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // An empty line, or the last one of a recording that was cut off.
    return null;
  }
}
