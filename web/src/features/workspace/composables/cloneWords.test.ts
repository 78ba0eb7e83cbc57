import { cloneProblem } from './cloneWords.ts';

describe('why a clone failed', () => {
  it.each([
    ["fatal: unable to access 'https://x.org/': Could not resolve host: x.org", /cannot find that server/],
    ["fatal: unable to access 'x': Failed to connect to x.org port 443 after 2 ms: Couldn't connect", /cannot reach/],
    ["fatal: could not read Username for 'https://x.org': terminal prompts disabled", /private/],
    ["remote: Not Found\nfatal: repository 'https://x.org/a/' not found", /no such repository/],
    ['fatal: Remote branch nope not found in upstream origin', /no such branch/],
    ["error: Untracked working tree file 'a' would be overwritten by merge.", /same name/],
    ['fatal: there is a repository in the session already', /in its place/],
  ])('is told of %j', (told, sentence) => expect(cloneProblem(told)).toMatch(sentence));

  it('is git’s own last line where nothing is known, and never nothing', () => {
    expect(cloneProblem('Cloning…\nfatal: odd things\n')).toBe('fatal: odd things');
    expect(cloneProblem('')).toBe('Git did not say why.');
  });
});
