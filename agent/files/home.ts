import { constants, copyFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { systemCode } from '#agent/failure.ts';
import { reportFailure } from '#agent/report.ts';

/**
 * Puts the files of `template` into a home folder where they are missing: the home of a pod begins empty. What is there
 * already is the person's own. A home that cannot be written is no reason to refuse a terminal, so this only reports it.
 */
export function prepareHome(home: string, template: string): void {
  try {
    for (const entry of readdirSync(template, { withFileTypes: true })) {
      if (entry.isFile()) copyUnlessThere(join(template, entry.name), join(home, entry.name));
    }
  } catch (error) {
    reportFailure(error);
  }
}

function copyUnlessThere(from: string, to: string): void {
  try {
    copyFileSync(from, to, constants.COPYFILE_EXCL);
  } catch (error) {
    if (systemCode(error) !== 'EEXIST') throw error;
  }
}
