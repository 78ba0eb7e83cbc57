import { RunMachine } from '#workflows/run/run.machine.ts';

const machine = (): RunMachine => new RunMachine(7, 0);
const admitted = { session: '"fractals"', timeLimitSeconds: 60, cancelRequested: false, bound: false };

describe("the rules of a run's workflow", () => {
  it.each([undefined, null, {}, 'now', 7, [], { actor: 5 }, { actor: 'x'.repeat(10_000) }])(
    'take a cancel that comes with %j',
    (payload) => {
      const run = machine();
      run.receiveCancel(payload);
      expect(run.cancelRequested).toBe(true);
      expect(run.details.length).toBeLessThan(2_000);
    },
  );

  it('name whoever asked first', () => {
    const run = machine();
    run.receiveCancel({ actor: 'alice' });
    run.receiveCancel({ actor: 'bob' });
    expect(run.details).toContain('asked to end by alice');
  });

  it('know of a cancel that came before the workflow did', () => {
    const run = machine();
    run.admit({ ...admitted, cancelRequested: true });
    expect(run.state).toEqual({ runId: 7, step: 'queued', cancelRequested: true, outcome: null });
  });

  it('tell operators the step, since when, how it ended, and what was not understood', () => {
    const run = machine();
    run.admit(admitted);
    run.enter('running', 1_000);
    expect(run.details).toMatch(/^\*\*running\*\* since 1970-01-01T00:00:01.000Z/);
    expect(run.details).toContain('"fractals"');
    for (let count = 0; count < 100; count += 1) run.receiveUnknown(`signal ${String(count)}`);
    run.outcome = 'succeeded';
    run.enter('ended', 2_000);
    expect(run.details).toMatch(/^\*\*ended\*\* \(succeeded\)/);
    expect(run.details.match(/is not known/g)).toHaveLength(5);
  });
});
