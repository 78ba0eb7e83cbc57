/*
 * What xterm types by itself when output asks: device attributes (c), status and cursor reports (n, R), modes ($y, keyboard: u),
 * window reports (t), colours and other strings (OSC, DCS). A person's keys never look like these, F3 with a modifier
 * (CSI 1;2R) aside, which counts as an answer.
 */
const ANSWER = /^(?:\x1b\[[?>=]?[\d;]*(?:[cnRt]|\$y)|\x1b\[\?\d+u|\x1b[\]P][^\x07\x1b]*(?:\x07|\x1b\\))+$/;
/** No answer is longer; what a person pastes is not looked through. */
const MAX_ANSWER_LENGTH = 4_096;

/** True when a terminal's screen wrote this as an answer to a query in the output, rather than a person. */
export function isTerminalAnswer(data: string): boolean {
  return data.length <= MAX_ANSWER_LENGTH && ANSWER.test(data);
}
