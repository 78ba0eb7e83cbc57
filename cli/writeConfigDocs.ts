import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { renderConfigTable, renderEnvExample } from '#cli/configDocs.ts';
import { PROJECT_ROOT } from '#cli/embedded/startSettings.ts';

// `npm run docs:config`; a test fails when the files are not what this writes.
mkdirSync(path.join(PROJECT_ROOT, 'docs'), { recursive: true });
writeFileSync(path.join(PROJECT_ROOT, '.env.example'), renderEnvExample());
writeFileSync(path.join(PROJECT_ROOT, 'docs', 'configuration.md'), renderConfigTable());
