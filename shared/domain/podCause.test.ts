import { CAUSE_ADVICE, operatorAdvice, POD_CAUSES, readPodCause } from '#shared/domain/podCause.ts';

describe('the advice on a cause', () => {
  it.each(POD_CAUSES)('says what %s means, what to do and who can, in whole sentences', (cause) => {
    const { sentence, remedy, operator } = CAUSE_ADVICE[cause];
    for (const text of [sentence, remedy, operator]) expect(text).toMatch(/^[A-Z].{20,}\.$/);
  });

  it('names the very session to operators', () => {
    expect(operatorAdvice('claim-not-bound', 'some-uuid')).toContain('`workspace-some-uuid`');
    for (const cause of POD_CAUSES) expect(operatorAdvice(cause, 'some-uuid')).not.toContain('NAME');
  });

  it('is read from strange values as no cause', () => {
    expect([undefined, null, 7, 'sunspots', {}, 'quota'].map(readPodCause)).toEqual([
      null,
      null,
      null,
      null,
      null,
      'quota',
    ]);
  });
});
