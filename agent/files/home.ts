import { copyFileSync, existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
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
