/** What git said, by the words that it has for it. The first that fits counts. */
const PROBLEMS: ReadonlyArray<[RegExp, string]> = [
  [/remote branch .* not found/i, 'The repository has no such branch.'],
  [/could not resolve host|name or service not known/i, 'The session cannot find that server: it may have no way out.'],
  [
    /failed to connect|couldn't connect|could not connect|network is unreachable|connection (?:timed out|refused)/i,
    'The session cannot reach that server: it may have no way out, or the server is down.',
  ],
  [
    /could not read username|authentication failed|terminal prompts disabled|403/i,
    'The server asks who wants it: it is private, or it is not there.',
  ],
  [/repository .* not found|not found/i, 'There is no such repository, or it is private.'],
  [/certificate/i, 'The server’s certificate is not trusted.'],
  [/would be overwritten/i, 'Files of the same name are in the session already.'],
  [/a repository in the session|something at/i, 'There is something in its place already.'],
  [/no space left|disk quota/i, 'The session’s disk is full.'],
];

/** Why a clone failed, as a sentence; `told` is what it put out on its standard error. */
export function cloneProblem(told: string): string {
  const known = PROBLEMS.find(([words]) => words.test(told));
  if (known !== undefined) return known[1];
  const last = told.trim().split('\n').at(-1)?.trim() ?? '';
  return last === '' ? 'Git did not say why.' : last.slice(0, 300);
}
