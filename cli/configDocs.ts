import { z } from 'zod';
import { ConfigSchema } from '#platform/config/config.ts';

/** One setting as the documents show it. */
interface Setting {
  name: string;
  description: string;
  /** What is taken when nothing is set; null where a value has to be given. */
  standard: string | null;
  values: string;
}

const PropertySchema = z.object({
  description: z.string(),
  type: z.string().optional(),
  enum: z.array(z.string()).optional(),
  format: z.string().optional(),
  pattern: z.string().optional(),
  minimum: z.number().optional(),
  maximum: z.number().optional(),
  minLength: z.number().optional(),
});

/** The text of `.env.example`: every variable with what it is for, set to its default or left open. */
export function renderEnvExample(): string {
  const blocks = settings().map(({ name, description, standard, values }) =>
    [`# ${description}`, `# Values: ${values}.`, standard === null ? `# ${name}=` : `# ${name}=${standard}`].join('\n'),
  );
  return [
    '# Made by `npm run docs:config` from platform/config/config.ts.',
    '# Copy it to .env and uncomment what you change. `npm start` sets whatever has no default by itself.',
    '',
    blocks.join('\n\n'),
    '',
  ].join('\n');
}

/** The text of `docs/configuration.md`. */
export function renderConfigTable(): string {
  const rows = settings().map(({ name, description, standard, values }) => {
    const shown = standard === null ? '(must be set)' : standard === '' ? '(empty)' : `\`${standard}\``;
    return `| \`${name}\` | ${shown} | ${escapeCell(values)} | ${escapeCell(description)} |`;
  });
  return [
    '# Configuration',
    '',
    'Every setting is one environment variable. A bad value stops the start and is named with what it got and what it wants.',
    '`npm start` also reads `.env` in the project folder, and sets `BERTH_SECRET`, `DATABASE_URL` and `TEMPORAL_ADDRESS` by itself',
    'when they are not given. This page is made by `npm run docs:config`.',
    '',
    '| variable | default | values | what it is for |',
    '| --- | --- | --- | --- |',
    ...rows,
    '',
  ].join('\n');
}

function settings(): Setting[] {
  const { properties = {} } = z.toJSONSchema(ConfigSchema, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties).map(([name, schema]) => {
    const property = PropertySchema.parse(schema);
    return {
      name,
      description: property.description,
      standard: readDefault(name),
      values: describeValues(property),
    };
  });
}

/** Asks the schema itself: JSON Schema leaves out a default that stands behind a transform. */
function readDefault(name: string): string | null {
  const { success, data } = ConfigSchema.shape[name as keyof typeof ConfigSchema.shape].safeParse(undefined);
  return success ? String(data) : null;
}

function describeValues(property: z.infer<typeof PropertySchema>): string {
  if (property.enum) return property.enum.map((value) => `\`${value}\``).join(', ');
  if (property.minimum !== undefined) return `${String(property.minimum)} to ${String(property.maximum)}`;
  if (property.format === 'uri') return 'an address';
  if (property.pattern !== undefined) return `text like \`${property.pattern}\``;
  if ((property.minLength ?? 0) > 1) return `text of at least ${String(property.minLength)} characters`;
  return property.type === undefined ? 'an address, or empty' : 'text';
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|');
}
