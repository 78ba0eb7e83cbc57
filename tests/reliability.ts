import { mkdirSync, writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { commit } from '#tests/machine.ts';
import { SEED } from '#tests/support/scale.ts';

/** Results of a project at full size. */
interface ProofResult {
  name: string;
  passed: number;
  failed: number;
  skipped: string[];
  seconds: number;
}

/** Writes what `npm run proofs` found, with the seed and the commit to find it again, and what was not run. */
export function writeReliability(results: ProofResult[], missing: string[]): void {
  const rows = results.map(
    ({ name, passed, failed, skipped, seconds }) =>
      `| ${name} | ${String(passed)} | ${String(failed)} | ${String(skipped.length)} | ${String(seconds)} |`,
  );
  const skipped = [...missing, ...results.flatMap((result) => result.skipped)].map((one) => `- ${one}`);
  const text = [
    '# Reliability',
    '',
    'What `npm run proofs` found: every long property and fault run at its full size. This page is written by that command.',
    '',
    `Commit ${commit()}, seed ${String(SEED)}, ${new Date().toISOString().slice(0, 10)}, ${String(cpus().length)} cores, Node ${process.version}.`,
    '',
    '| tests | passed | failed | skipped | seconds |',
    '| --- | --- | --- | --- | --- |',
    ...rows,
    ...(skipped.length > 0 ? ['', 'Not run:', '', ...skipped] : []),
    '',
  ].join('\n');
  mkdirSync('docs', { recursive: true });
  writeFileSync('docs/reliability.md', text);
}
