import { readFileSync } from 'node:fs';
import path from 'node:path';
import { ConfigSchema } from '#platform/config/config.ts';
import { renderConfigTable, renderEnvExample } from '#cli/configDocs.ts';
import { PROJECT_ROOT } from '#cli/embedded/startSettings.ts';

const read = (file: string): string => readFileSync(path.join(PROJECT_ROOT, file), 'utf8');

describe('the documents of the configuration', () => {
  it('are what the schema says (else: npm run docs:config)', () => {
    expect(read('.env.example')).toBe(renderEnvExample());
    expect(read('docs/configuration.md')).toBe(renderConfigTable());
  });

  it('name every variable with its description', () => {
    for (const [name, schema] of Object.entries(ConfigSchema.shape)) {
      expect(schema.description).toMatch(/\w{3}.*\.$/);
      expect(renderEnvExample()).toContain(`# ${name}=`);
      expect(renderConfigTable()).toContain(`| \`${name}\` |`);
    }
  });
});
