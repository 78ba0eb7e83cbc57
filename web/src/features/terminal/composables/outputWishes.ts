/*
 * What programs wish for by their output. None of them is to be trusted: a file that somebody shows with `cat` speaks as
 * loudly as the shell.
 */

/** The most characters of OSC 52 that are read; four of them are three bytes. */
const MAX_CLIPBOARD_LENGTH = 1_400_000;

/** The text that a program wants in the clipboard by OSC 52; null when it asks to read, sends no base64, or too much. */
export function clipboardText(data: string): string | null {
  const content = data.slice(data.indexOf(';') + 1);
  if (content === '?' || content === '' || content.length > MAX_CLIPBOARD_LENGTH) return null;
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)));
  } catch {
    // Not base64: a program's mistake, nothing to write.
    return null;
  }
}

/** The address that a link leads to; null for anything but a web address. */
export function webAddress(text: string): string | null {
  if (!URL.canParse(text)) return null;
  const address = new URL(text);
  return ['http:', 'https:'].includes(address.protocol) ? address.href : null;
}

/** How many answers to queries may be typed at once, and in each second after. A program that measures asks some hundreds. */
const ANSWERS = 1_000;

/** Lets so many answers through as an honest program wants: a flood of queries must not keep the page busy. */
export class AnswerBudget {
  private left = ANSWERS;
  private at: number;

  /** `now`: milliseconds of one clock. */
  constructor(now: number) {
    this.at = now;
  }

  /** True when one more may pass. */
  take(now: number): boolean {
    this.left = Math.min(ANSWERS, this.left + ((now - this.at) / 1_000) * ANSWERS);
    this.at = now;
    if (this.left < 1) return false;
    this.left -= 1;
    return true;
  }
}
