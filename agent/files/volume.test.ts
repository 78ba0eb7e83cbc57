import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Workspace } from '#agent/files/folders.ts';
import { prepareHome } from '#agent/files/home.ts';
import { writeSentinel } from '#agent/files/sentinel.ts';

let folder: string;
beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'berth-volume-'))));
afterEach(() => rmSync(folder, { recursive: true }));

const names = (): string[] => readdirSync(folder).sort();
const sentinel = (): unknown => JSON.parse(readFileSync(join(folder, '.berth-volume'), 'utf8'));

describe('the sentinel', () => {
  it('is written to an empty volume, and nothing else is left there', () => {
    writeSentinel(new Workspace(folder), 17);
    expect(sentinel()).toEqual({ volumeId: 17 });
    expect(names()).toEqual(['.berth-volume']);
  });

  it('is written beside the lost+found of a file system', () => {
    mkdirSync(join(folder, 'lost+found'), 0o000);
    writeSentinel(new Workspace(folder), 17);
    expect(sentinel()).toEqual({ volumeId: 17 });
  });

  it('of another volume stays', () => {
    writeSentinel(new Workspace(folder), 17);
    writeSentinel(new Workspace(folder), 18);
    expect(sentinel()).toEqual({ volumeId: 17 });
  });

  it('that somebody scribbled on stays as it is', () => {
    writeFileSync(join(folder, '.berth-volume'), 'no json');
    writeSentinel(new Workspace(folder), 17);
    expect(readFileSync(join(folder, '.berth-volume'), 'utf8')).toBe('no json');
  });

  it('is not given to files of unknown origin', () => {
    writeFileSync(join(folder, 'main.py'), 'print()\n');
    writeSentinel(new Workspace(folder), 17);
    expect(names()).toEqual(['main.py']);
  });
});

describe('the home folder', () => {
  it('gets what is missing, and keeps what is there', () => {
    const home = join(folder, 'home');
    const template = join(folder, 'template');
    for (const one of [home, template]) mkdirSync(one);
    writeFileSync(join(template, '.bashrc'), 'theirs');
    writeFileSync(join(template, '.npmrc'), 'prefix');
    writeFileSync(join(home, '.bashrc'), 'mine');
    prepareHome(home, template);
    expect(readFileSync(join(home, '.bashrc'), 'utf8')).toBe('mine');
    expect(readFileSync(join(home, '.npmrc'), 'utf8')).toBe('prefix');
    expect(statSync(join(home, '.npmrc')).mode & 0o200).toBe(0o200);
  });

  it('that cannot be filled keeps nobody from working', () => {
    expect(() => prepareHome(join(folder, 'missing'), join(folder, 'missing too'))).not.toThrow();
  });
});
