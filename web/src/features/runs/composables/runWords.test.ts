import { endWord, runTitle, shownOutput } from './runWords.ts';

describe('the words of a run', () => {
  it('name a command as it was typed and a file with its arguments', () => {
    expect(runTitle({ command: 'make test', file: null, arguments: [] })).toBe('make test');
    expect(runTitle({ command: null, file: 'main.py', arguments: ['-v', 'x'] })).toBe('main.py -v x');
  });

  it('tell the exit code or the signal, and nothing where there is neither', () => {
    expect(endWord({ exitCode: 2, signal: null })).toBe('exit code 2');
    expect(endWord({ exitCode: null, signal: 'SIGKILL' })).toBe('ended by SIGKILL');
    expect(endWord({ exitCode: null, signal: null })).toBeNull();
  });

  it('draw an output without colours and titles, and only the end of one that is very long', () => {
    expect(shownOutput('\u001b[31mred\u001b[0m\r\n\u001b]0;title\u0007plain')).toEqual({
      text: 'red\nplain',
      cut: false,
    });
    const long = shownOutput(`first${'x'.repeat(200_000)}last`);
    expect(long.cut).toBe(true);
    expect(long.text).toHaveLength(200_000);
    expect(long.text.endsWith('last')).toBe(true);
  });
});
