/** A paste that must be asked about; its text is harmless to the terminal itself. */
export interface Paste {
  text: string;
  lines: number;
}

/**
 * A paste without what would make the terminal believe that it has ended (ESC [ 201 ~) or that keys were pressed: of control
 * characters only tabs and ends of lines are text.
 */
export function readPaste(clipboard: string): Paste {
  const text = clipboard.replaceAll(/\r\n?/g, '\n').replaceAll(/[^\P{Cc}\t\n]/gu, '');
  return { text, lines: text.replace(/\n+$/, '').split('\n').length };
}

/**
 * True when a person is asked first: each line would run at once. A program that takes pastes as such (`bracketed`) shows
 * them before it runs anything.
 */
export function mustAsk({ lines }: Paste, bracketed: boolean): boolean {
  return lines > 1 && !bracketed;
}
