import { jest } from '@jest/globals';
import { startClusterRuntime, type ClusterRuntime } from '#tests/support/clusterRuntime.ts';
import { openPodShell, type PodShell } from '#tests/support/podShell.ts';

/* The tools that the workspace image promises, used in a session's terminal as a person would. */
jest.setTimeout(180_000);

/** Half a processor compiles slowly. */
const PATIENCE_MS = 120_000;

let cluster: ClusterRuntime;
let shell: PodShell;
beforeAll(async () => {
  cluster = await startClusterRuntime();
  const spec = await cluster.newSpec();
  await cluster.runtime.ensurePod(spec);
  shell = await openPodShell(await cluster.agents.get(spec.uuid, 1, 90_000));
}, 20 * 60_000);
afterAll(() => cluster.stop(), 180_000);

const GREETING = `
cat >greeting.cpp <<'END'
#include <iostream>
#include <string>
#include <vector>
int main() {
  for (const std::string& word : std::vector<std::string>{"compiled", "and", "run"}) std::cout << word << ' ';
}
END`;

describe('the workspace image', () => {
  it.each([
    [
      'compiles and runs a program of C++',
      `${GREETING}\ng++ -O2 -o greeting greeting.cpp && ./greeting`,
      'compiled and run',
    ],
    [
      'makes what a Makefile says, once',
      `printf 'made.txt: ; @echo made >made.txt && cat made.txt\\n' >Makefile; make -s && make -q && echo again`,
      'made\nagain',
    ],
    [
      'makes an environment of Python with a pip of its own',
      `python3 -m venv .venv && .venv/bin/pip --version | grep -o "$PWD/.venv/lib"`,
      '/app/workspace/.venv/lib',
    ],
    ['has pip', 'pip --version', /^pip \d+\.\S+ from .* \(python 3\.\d+\)$/],
    [
      'keeps a history with git',
      `git init -q project && cd project && echo x >file && git add file &&
       git -c user.name=Ada -c user.email=ada@example.org commit -qm 'First' && git --no-pager log --format=%s`,
      'First',
    ],
    ['has less', 'less --version | head -n 1', /^less \d+/],
    ['has nano', 'nano --version | head -n 1', /GNU nano/],
    ['has vi', `echo one >edited && vi -e -s -c 's/one/two/' -c 'wq' edited; cat edited`, 'two'],
  ])('%s', async (_rule, line, expected) => {
    const { output, status } = await shell.run(line, PATIENCE_MS);
    if (typeof expected === 'string') expect(output).toBe(expected);
    else expect(output).toMatch(expected);
    expect(status).toBe(0);
  });
});
