import { AnswerBudget, clipboardText, webAddress } from './outputWishes.ts';

describe('the clipboard', () => {
  it('is offered what a program sends as base64, in UTF-8', () => {
    expect(clipboardText('c;aGVsbG8=')).toBe('hello');
    expect(clipboardText(`;${btoa(String.fromCharCode(...new TextEncoder().encode('zwölf ✓')))}`)).toBe('zwölf ✓');
  });

  it.each(['c;?', 'c;', 'c;not base64!', `c;${'A'.repeat(2_000_000)}`])(
    'is neither read nor filled by %.20j',
    (data) => {
      expect(clipboardText(data)).toBeNull();
    },
  );
});

describe('a link', () => {
  it.each(['http://localhost:8000/', 'https://example.org/a?b#c'])('leads to the web: %s', (address) => {
    expect(webAddress(address)).toBe(address);
  });

  it.each([
    'javascript:alert(1)',
    'data:text/html,<script>',
    'file:///etc/passwd',
    'vscode://open',
    'JAVASCRIPT:alert(1)//https://example.org',
    ' \u0001javascript:alert(1)',
    '/relative',
    '',
  ])('leads nowhere else: %j', (address) => {
    expect(webAddress(address)).toBeNull();
  });
});

describe('answers to queries', () => {
  it('pass as an honest program wants them, and no flood of them', () => {
    const budget = new AnswerBudget(0);
    const pass = (count: number, now: number): number =>
      Array.from({ length: count }, () => budget.take(now)).filter(Boolean).length;
    expect(pass(5_000, 0)).toBe(1_000);
    expect(pass(5_000, 100)).toBe(100);
    expect(pass(5_000, 60_000)).toBe(1_000);
  });
});
