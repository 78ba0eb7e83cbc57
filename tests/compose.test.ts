import { readFileSync } from 'node:fs';
import path from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { ConfigSchema, loadConfig } from '#platform/config/config.ts';
import { ROOT } from '#tests/support/importGraph.ts';

const ServiceSchema = z.object({
  image: z.string(),
  environment: z.record(z.string(), z.string()).default({}),
  ports: z.array(z.string()).default([]),
  restart: z.string().optional(),
  healthcheck: z.object({ test: z.array(z.string()) }).optional(),
  depends_on: z.record(z.string(), z.object({ condition: z.string() })).default({}),
});

const text = readFileSync(path.join(ROOT, 'docker-compose.yml'), 'utf8');
const { services } = z.object({ services: z.record(z.string(), ServiceSchema) }).parse(parse(text, { merge: true }));
const all = Object.entries(services);
const isOneShot = (service: z.infer<typeof ServiceSchema>): boolean =>
  service.restart?.startsWith('on-failure') ?? false;
const berth = services['berth'];

describe('docker-compose.yml', () => {
  it('has the parts that Berth needs', () => {
    expect(Object.keys(services).sort()).toEqual(
      ['berth', 'postgres', 'temporal', 'temporal-namespace', 'temporal-schema', 'temporal-ui'].sort(),
    );
  });

  it('pins every image to one version', () => {
    expect(
      all.filter(([, { image }]) => !/:\d+\.\d+(\.\d+)?(-[a-z0-9.]+)?$/.test(image)).map(([name]) => name),
    ).toEqual([]);
  });

  it('publishes on 127.0.0.1 only', () => {
    const ports = all.flatMap(([, service]) => service.ports);
    expect(ports.length).toBeGreaterThan(0);
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([]);
  });

  it('looks after the health of everything that stays', () => {
    expect(all.filter(([, service]) => !isOneShot(service) && !service.healthcheck).map(([name]) => name)).toEqual([]);
  });

  it('waits for what is healthy or has ended well', () => {
    const conditions = all.flatMap(([, { depends_on }]) =>
      Object.entries(depends_on).map(([name, { condition }]) => {
        const needed = services[name];
        const wanted = needed && isOneShot(needed) ? 'service_completed_successfully' : 'service_healthy';
        return condition === wanted;
      }),
    );
    expect(conditions.length).toBeGreaterThan(4);
    expect(conditions).not.toContain(false);
  });

  it('has no secret with a default', () => {
    const secrets = all.flatMap(([, { environment }]) =>
      Object.entries(environment).filter(([name]) => /SECRET|PASSWORD|PWD|DATABASE_URL/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(3);
    expect(secrets.filter(([, value]) => !/\$\{[A-Z_]+:\?[^}]+\}/.test(value))).toEqual([]);
  });

  it('sets only variables that Berth has, to values that it takes', () => {
    const environment = berth?.environment ?? {};
    expect(Object.keys(environment).filter((name) => !(name in ConfigSchema.shape))).toEqual([]);
    const given = Object.fromEntries(
      Object.entries(environment).map(([name, value]) => [
        name,
        value.replace(/\$\{[A-Z_]+:\?[^}]+\}/, 'x'.repeat(64)).replace(/\$\{[A-Z_]+:-([^}]+)\}/, '$1'),
      ]),
    );
    const config = loadConfig(given);
    expect(config.BERTH_PORT).toBe(4600);
    expect(config.BERTH_WORKER_ROLES).toBe('orchestration,runtime,watch');
  });

  it("switches off what would kill a workflow in Temporal's UI", () => {
    expect(services['temporal-ui']?.environment).toMatchObject({
      TEMPORAL_WORKFLOW_TERMINATE_DISABLED: 'true',
      TEMPORAL_WORKFLOW_RESET_DISABLED: 'true',
    });
  });
});
