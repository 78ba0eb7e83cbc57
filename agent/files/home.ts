import { copyFileSync, existsSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { RESERVED_PREFIX } from '#shared/domain/paths.ts';
import { reportFailure } from '#agent/report.ts';

/**
 * Puts the files of `template` into a home folder where they are missing: the home of a pod begins empty. What is there
 * already is the person's own. A home that cannot be written is no reason to refuse a terminal, so this only reports it.
 */
export function prepareHome(home: string, template: string): void {
  try {
    for (const entry of readdirSync(template, { withFileTypes: true })) {
      const target = join(home, entry.name);
      if (entry.isFile() && !existsSync(target)) copyFileSync(join(template, entry.name), target);
    }
  } catch (error) {
    reportFailure(error);
  }
}

/**
 * Has git leave Berth's own files alone in every repository: one whose root is the workspace would else show the sentinel as
 * new, and have it committed. A person's own list stays as it is; a home that cannot be written is only reported.
 */
export function ignoreOwnFilesInGit(home: string): void {
  const folder = join(home, '.config/git');
  const file = join(folder, 'ignore');
  try {
    if (existsSync(file)) return;
    mkdirSync(folder, { recursive: true });
    writeFileSync(file, `# Files of Berth itself.\n${RESERVED_PREFIX}*\n`);
  } catch (error) {
    reportFailure(error);
  }
}
