import { readFileSync } from 'node:fs';
import path from 'node:path';
import { z } from 'zod';
import { ROOT } from '#tests/support/importGraph.ts';

const LockfileSchema = z.object({
  packages: z.record(
    z.string(),
    z.object({
      version: z.string().optional(),
      resolved: z.string().optional(),
      optionalDependencies: z.record(z.string(), z.string()).optional(),
    }),
  ),
});

/** The first versions without the known crashes and memory holes. */
const FLOORS: Record<string, string> = { 'socket.io-parser': '4.2.7', 'engine.io': '6.6.7', ws: '8.20.1' };

const lockfile = LockfileSchema.parse(JSON.parse(readFileSync(path.join(ROOT, 'package-lock.json'), 'utf8'))).packages;
const manifest = z
  .object({ dependencies: z.record(z.string(), z.string()), devDependencies: z.record(z.string(), z.string()) })
  .parse(JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')));

const versionsOf = (name: string): string[] =>
  Object.entries(lockfile).flatMap(([place, { version }]) =>
    place.endsWith(`node_modules/${name}`) && version !== undefined ? [version] : [],
  );

function isAtLeast(version: string, floor: string): boolean {
  const [have, want] = [version, floor].map((text) => text.split('.').map((part) => Number.parseInt(part, 10)));
  for (const [index, part] of (want ?? []).entries()) {
    if (have?.[index] !== part) return (have?.[index] ?? 0) > part;
  }
  return true;
}

describe('the lockfile', () => {
  it.each(Object.entries(FLOORS))('holds no %s older than %s', (name, floor) => {
    const versions = versionsOf(name);
    expect(versions.length).toBeGreaterThan(0);
    expect(versions.filter((version) => !isAtLeast(version, floor))).toEqual([]);
  });

  it('names no host that packages come from', () => {
    expect(Object.entries(lockfile).filter(([, { resolved }]) => resolved !== undefined)).toEqual([]);
  });

  it("holds every platform's packages, without which npm ci refuses to install anything", () => {
    const optional = Object.values(lockfile).flatMap(({ optionalDependencies }) =>
      Object.keys(optionalDependencies ?? {}),
    );
    expect(optional.length).toBeGreaterThan(20);
    expect([...new Set(optional)].filter((name) => versionsOf(name).length === 0)).toEqual([]);
  });

  it('has every part of Temporal at one version', () => {
    const versions = Object.entries(lockfile)
      .filter(([place]) => /node_modules\/@temporalio\/[^/]+$/.test(place))
      .map(([, { version }]) => version);
    expect(new Set(versions).size).toBe(1);
  });

  it('is asked for exact versions only', () => {
    const wanted = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies });
    expect(wanted.filter(([, version]) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([]);
  });
});
