/** The lines of a text without their ends, counted as editors count them: `\n`, `\r\n` and a lone `\r` each end one. */
export function textLines(text: string): string[] {
  return text.split(/\r\n?|\n/);
}

/** A range of lines, both counted from 1 and both included. */
export interface LineRange {
  first: number;
  last: number;
}
