import { findRepositoryUrlProblem } from './repositoryUrl.ts';

const outside = (url: string): string | null => findRepositoryUrlProblem(url, { local: false });

describe('the address of a repository', () => {
  it.each([
    'https://example.org/team/project.git',
    'https://example.org:8443/project',
    'https://8.8.8.8/project.git',
    'https://[2606:4700::1111]/project.git',
  ])('may be %s', (url) => expect(outside(url)).toBeNull());

  it.each([
    ['nonsense', /no address/],
    ['http://example.org/project', /https/],
    ['ssh://example.org/project', /https/],
    ['git@example.org:team/project.git', /no address/],
    ['file:///etc', /https/],
    ['ext::sh -c id', /space/],
    ['https://ada:secret@example.org/project', /password/],
    ['https://token@example.org/project', /password/],
    ['https://example.org/', /no repository/],
    ['https://example.org/project?x=1', /query/],
    ['https://example.org/pro ject', /space/],
  ])('may not be %s', (url, problem) => expect(outside(url)).toMatch(problem));

  it.each([
    'localhost',
    'localhost.',
    'api',
    'berth-api.berth.svc',
    'kubernetes.default.svc.cluster.local',
    'git.internal',
    '127.0.0.1',
    '2130706433',
    '0x7f.1',
    '10.96.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '0.0.0.0',
    '224.0.0.1',
    '[::1]',
    '[::]',
    '[fd00::1]',
    '[fe80::1]',
    '[::ffff:10.0.0.1]',
    '[2002:a00:1::]',
  ])('does not lead to %s', (host) => expect(outside(`https://${host}/project.git`)).toMatch(/inside/));

  it('may be local and plain where that is allowed, and nothing else', () => {
    expect(findRepositoryUrlProblem('http://127.0.0.1:8000/project.git', { local: true })).toBeNull();
    expect(findRepositoryUrlProblem('file:///etc', { local: true })).toMatch(/https/);
    expect(findRepositoryUrlProblem('http://a:b@127.0.0.1/x', { local: true })).toMatch(/password/);
  });
});
