/**
 * Reading of payloads that people and programs send from outside. Nothing here throws: a handler that throws on a bad
 * payload would stop the workflow for good, and an operator sends such payloads by clicking Send with an empty box.
 */

/** The types a field of a message may have. */
export type FieldType = 'string' | 'number';

/** A payload as read: its fields, and what is wrong with it in a sentence, null when nothing is. */
export interface ReadPayload {
  fields: Record<string, string | number | undefined>;
  problem: string | null;
}

const MAX_TEXT = 200;

/** A short, one-line picture of any value, for notes that operators read. */
export function describeValue(value: unknown): string {
  if (value === undefined) return 'nothing';
  let text: string;
  try {
    text = JSON.stringify(value) ?? typeof value;
  } catch {
    // A value that cannot be written down (a cycle, say) is told by its type.
    text = typeof value;
  }
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
}

/** Reads a payload against the types of its known fields. Nothing, null and {} are an empty payload without a problem. */
export function readPayload(payload: unknown, types: Record<string, FieldType>): ReadPayload {
  if (payload === undefined || payload === null) return { fields: {}, problem: null };
  if (typeof payload !== 'object' || Array.isArray(payload)) {
    return { fields: {}, problem: `expected an object, got ${describeValue(payload)}` };
  }
  const fields: ReadPayload['fields'] = {};
  for (const [name, type] of Object.entries(types)) {
    const value = (payload as Record<string, unknown>)[name];
    if (value === undefined || value === null) continue;
    if (typeof value !== type || (typeof value === 'number' && !Number.isSafeInteger(value))) {
      return { fields: {}, problem: `${name} must be a ${type}, got ${describeValue(value)}` };
    }
    fields[name] = typeof value === 'string' ? value.slice(0, MAX_TEXT) : (value as number);
  }
  return { fields, problem: null };
}

/** A field as text, undefined when it is not there. */
export function textOf(payload: ReadPayload, name: string): string | undefined {
  const value = payload.fields[name];
  return typeof value === 'string' ? value : undefined;
}

/** A field as a whole number, undefined when it is not there. */
export function numberOf(payload: ReadPayload, name: string): number | undefined {
  const value = payload.fields[name];
  return typeof value === 'number' ? value : undefined;
}
