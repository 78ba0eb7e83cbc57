import { argvOfFile } from '#shared/domain/runCommand.ts';
import { judgeProgramEnd } from '#shared/domain/run.ts';

const file = (path: string, given: Partial<Parameters<typeof argvOfFile>[0]> = {}) =>
  argvOfFile({ path, folder: '', arguments: [], language: 'text', executable: false, ...given });

describe('how a file is run', () => {
  it.each([
    ['main.py', ['python3', './main.py']],
    ['src/App.TS', ['node', './src/App.TS']],
    ['-rf.sh', ['/bin/sh', './-rf.sh']],
  ])('is told by its ending: %s', (path, argv) => {
    expect(file(path)).toEqual(argv);
  });

  it('is told by the language of the session where it has no ending', () => {
    expect(file('script', { language: 'python', arguments: ['-v'] })).toEqual(['python3', './script', '-v']);
    expect(file('.hidden', { language: 'javascript' })).toEqual(['node', './.hidden']);
  });

  it('is its own affair where it is executable and its ending tells nothing', () => {
    expect(file('tools/build', { language: 'python', executable: true })).toEqual(['./tools/build']);
    expect(file('main.py', { executable: true })).toEqual(['python3', './main.py']);
  });

  it('is not known of other files', () => {
    expect(file('README.md', { language: 'python' })).toBeNull();
    expect(file('script', { language: 'text' })).toBeNull();
    expect(file('x.constructor', { language: 'constructor' })).toBeNull();
  });

  it.each([
    ['', 'a/b.py', './a/b.py'],
    ['a', 'a/b.py', './b.py'],
    ['a/c', 'a/b.py', '../b.py'],
    ['a/b.py', 'a/b.py', '../b.py'],
    ['x/y', 'a/b.py', '../../a/b.py'],
  ])('finds it from the folder %s: %s is %s', (folder, path, expected) => {
    expect(file(path, { folder })?.at(-1)).toBe(expected);
  });
});

describe('the end of a program', () => {
  const end = { exitCode: null, signal: null, stopped: null };
  it.each([
    [{ ...end, exitCode: 0 }, 'succeeded'],
    [{ ...end, exitCode: 1 }, 'failed'],
    [{ ...end, signal: 'SIGSEGV' }, 'failed'],
    // Whatever it said when it was ended: it did not end by itself.
    [{ ...end, exitCode: 0, stopped: 'cancelled' as const }, 'cancelled'],
    [{ ...end, signal: 'SIGKILL', stopped: 'time' as const }, 'timed_out'],
    [{ ...end, signal: 'SIGTERM', stopped: 'session' as const }, 'failed'],
  ])('%j is %s', (told, status) => {
    expect(judgeProgramEnd(told).status).toBe(status);
  });
});
