import { isTerminalAnswer } from '#shared/domain/terminalAnswer.ts';

describe('an answer of a screen', () => {
  it.each([
    '\x1b[?1;2c',
    '\x1b[>0;276;0c',
    '\x1b[24;80R',
    '\x1b[?24;80R',
    '\x1b[0n',
    '\x1b[?2004;1$y',
    '\x1b[?0u',
    '\x1b[8;24;80t',
    '\x1b]11;rgb:1e1e/1e1e/1e1e\x1b\\',
    '\x1b]4;1;rgb:ffff/0000/0000\x07',
    '\x1b]lwindow title\x1b\\',
    '\x1bP1$r0m\x1b\\',
    '\x1bP>|xterm.js(6.0.0)\x1b\\',
    '\x1b[0n\x1b[1;1R',
  ])('is told from a key: %j', (answer) => {
    expect(isTerminalAnswer(answer)).toBe(true);
  });

  it.each([
    'a',
    'ls\r',
    '\x1b',
    '\x1b[A',
    '\x1b[1;5C',
    '\x1b[200~x\x1b[201~',
    '\x03',
    'c',
    'R',
    '\x1bOP',
    '\x1b[15~',
    '',
  ])('is not a key of a person: %j', (key) => {
    expect(isTerminalAnswer(key)).toBe(false);
  });

  it('is never as long as what somebody pastes', () => {
    expect(isTerminalAnswer('\x1b[0n'.repeat(10_000))).toBe(false);
  });
});
