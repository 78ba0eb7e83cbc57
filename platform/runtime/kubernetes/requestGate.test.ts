import { createRequestGate } from '#platform/runtime/kubernetes/requestGate.ts';

const AT_ONCE = 20;

/** A request that is answered when the test says so. */
function hanging(): { request: () => Promise<string>; answer: () => void } {
  let answer: () => void = () => undefined;
  const answered = new Promise<string>((resolve) => (answer = () => resolve('done')));
  return { request: () => answered, answer: () => answer() };
}

describe('changes while the API server hangs', () => {
  it('are told so that wait for a seat for too long, and do nothing', async () => {
    const gate = createRequestGate(50);
    const hung = hanging();
    const seated = Array.from({ length: AT_ONCE }, () => gate.change(hung.request));
    let asked = 0;
    const late = gate.change(async () => (asked += 1));
    await expect(late).rejects.toMatchObject({ name: 'KubernetesError', status: null });
    hung.answer();
    expect(await Promise.all(seated)).toEqual(seated.map(() => 'done'));
    expect(asked).toBe(0);
  });

  it('that gave up take no seat from those that come after them', async () => {
    const gate = createRequestGate(50);
    const hung = hanging();
    const seated = Array.from({ length: AT_ONCE }, () => gate.change(hung.request));
    await expect(gate.change(hung.request)).rejects.toMatchObject({ status: null });
    hung.answer();
    await Promise.all(seated);
    const again = Array.from({ length: 3 * AT_ONCE }, () => gate.change(async () => 'again'));
    expect(await Promise.all(again)).toEqual(again.map(() => 'again'));
  });

  it('wait for a seat as long as they need while it answers in time', async () => {
    const gate = createRequestGate(5_000);
    const hung = hanging();
    const seated = Array.from({ length: AT_ONCE }, () => gate.change(hung.request));
    const next = gate.change(async () => 'next');
    hung.answer();
    expect(await next).toBe('next');
    await Promise.all(seated);
  });
});
