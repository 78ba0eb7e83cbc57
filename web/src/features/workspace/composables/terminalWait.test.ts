import { POD_CAUSES, type PodCause } from '#shared/domain/podCause.ts';
import { SESSION_PHASES, type SessionPhase } from '#shared/domain/session.ts';
import { terminalWait } from './terminalWait.ts';

const wait = (phase: SessionPhase, cause: PodCause | null) => terminalWait(phase, cause);
const saidOf = (phase: SessionPhase, cause: PodCause | null) => {
  const found = wait(phase, cause);
  return found === null ? '' : `${found.title}. ${found.detail}`;
};

describe('what the terminals of a session wait for', () => {
  it('is its machine while that does not answer, in every phase in which a workflow owns the session', () => {
    for (const phase of SESSION_PHASES) {
      const lives = phase !== 'closed' && phase !== 'failed';
      expect([phase, /the session’s machine to answer/.test(saidOf(phase, 'node-lost'))]).toEqual([phase, lives]);
    }
  });

  it('is told with what becomes of the programs when the machine is back, and when its owner gives it up', () => {
    expect(saidOf('running', 'node-lost')).toMatch(
      /comes back.*still run there go on.*discard and reopen.*without them/,
    );
  });

  it('is the cluster while nothing at all can be known of the session', () => {
    expect(saidOf('running', 'cluster-unreachable')).toMatch(/Waiting for the cluster to answer.*go on/);
  });

  it('is a new start after a loss, whose programs are not promised', () => {
    for (const cause of [null, ...POD_CAUSES]) expect(saidOf('recovering', cause)).toMatch(/may have ended/);
  });

  it('says that opening goes on, or ends and can be tried again', () => {
    expect(saidOf('provisioning', 'node-lost')).toMatch(/opening ends and you can try again/);
    expect(saidOf('provisioning', 'cluster-unreachable')).toMatch(/opens by itself/);
  });

  it('says where the changes are while a close cannot save them', () => {
    for (const phase of ['saving', 'closing'] as const) {
      expect(saidOf(phase, 'node-lost')).toMatch(/Closing waits.*stays on the session’s disk/);
    }
  });

  it('is nothing while the session answers, whatever else troubles it', () => {
    for (const cause of [null, 'disk-full', 'out-of-memory', 'pod-deleted'] as const) {
      expect(wait('running', cause)).toBeNull();
      expect(wait('closing', cause)).toBeNull();
    }
  });
});
