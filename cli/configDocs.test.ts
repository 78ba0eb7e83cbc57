import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigSchema, loadConfig } from '#platform/config/config.ts';
import { renderConfigTable, renderEnvExample } from '#cli/configDocs.ts';
import { PROJECT_ROOT } from '#cli/embedded/startSettings.ts';

const read = (file: string): string => readFileSync(path.join(PROJECT_ROOT, file), 'utf8');

describe('the documents of the configuration', () => {
  it('are what the schema says (else: npm run docs:config)', () => {
    expect(read('.env.example')).toBe(renderEnvExample());
    expect(read('docs/configuration.md')).toBe(renderConfigTable());
  });

  it('say that a value must be set exactly where a start without it would stop', () => {
    const missing = Object.keys(ConfigSchema.shape).filter((name) => complaint().includes(`\n  ${name}: `));
    expect(missing).toContain('BERTH_SECRET');
    const rows = renderConfigTable().split('\n');
    const shown = rows.filter((row) => row.includes('| (must be set) |')).map((row) => row.split('`')[1]);
    expect(shown).toEqual(missing);
    const open = [...renderEnvExample().matchAll(/^# (\w+)=$/gm)].map(([, name]) => name);
    expect(open).toEqual(expect.arrayContaining(missing));
  });

  it('name every variable with its description', () => {
    for (const [name, schema] of Object.entries(ConfigSchema.shape)) {
      expect(schema.description).toMatch(/\w{3}.*\.$/);
      expect(renderEnvExample()).toContain(`# ${name}=`);
      expect(renderConfigTable()).toContain(`| \`${name}\` |`);
    }
  });
});

/** What a start without any setting says. */
function complaint(): string {
  try {
    loadConfig({});
    return '';
  } catch (error) {
    return String(error);
  }
}
