import { endMark, isCitable, receiptMarks, whatRan } from './receiptWords.ts';

const words = (receipt: Parameters<typeof receiptMarks>[0]): string[] => receiptMarks(receipt).map(({ word }) => word);

describe('the words about a receipt', () => {
  it('tell the exit code where there is one, and the status where there is none', () => {
    expect(endMark({ status: 'succeeded', exitCode: 0 })).toMatchObject({ word: 'exit 0', tone: 'good' });
    expect(endMark({ status: 'failed', exitCode: 3 })).toMatchObject({ word: 'exit 3', tone: 'bad' });
    expect(endMark({ status: 'timed_out', exitCode: null })).toMatchObject({ word: 'out of time', tone: 'bad' });
    expect(endMark({ status: 'running', exitCode: null })).toMatchObject({ word: 'running', tone: 'accent' });
  });

  it('warn of other files than those under review', () => {
    expect(words({ status: 'succeeded', isStale: false, isChanged: false, isCited: false })).toEqual([]);
    expect(words({ status: 'succeeded', isStale: true, isChanged: true, isCited: true })).toEqual([
      'cited',
      'older snapshot',
      'changed copy',
    ]);
    expect(words({ status: 'lost', isStale: false, isChanged: null, isCited: false })).toEqual(['files not verified']);
    expect(words({ status: 'queued', isStale: false, isChanged: null, isCited: false })).toEqual([]);
  });

  it('name a command as typed, and a file with its arguments', () => {
    expect(whatRan({ command: 'make test', file: null, arguments: [] })).toBe('make test');
    expect(whatRan({ command: null, file: 'main.py', arguments: ['-v'] })).toBe('main.py -v');
  });

  it('offer to cite what has ended on the present snapshot', () => {
    expect(isCitable({ status: 'failed', isStale: false })).toBe(true);
    expect(isCitable({ status: 'running', isStale: false })).toBe(false);
    expect(isCitable({ status: 'succeeded', isStale: true })).toBe(false);
  });
});
