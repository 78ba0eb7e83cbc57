import {
  distrust,
  findOrphanObjects,
  REAP_AGE_SECONDS,
  shareOfRun,
  type ReapShare,
} from '#activities/maintenance/reapRules.ts';

const object = (uuid: string, ageSeconds = REAP_AGE_SECONDS + 1) => ({
  uuid,
  uid: `uid-${uuid}`,
  generation: 1,
  ageSeconds,
});
const nothing = { active: new Set<string>(), held: new Set<string>(), expired: new Set<string>() };

describe('what the reaper takes for litter', () => {
  it('is an old object that no row stands for', () => {
    expect(findOrphanObjects({ pods: [object('a')], volumes: [object('a')] }, nothing)).toEqual([
      { kind: 'pod', uuid: 'a', uid: 'uid-a' },
      { kind: 'volume', uuid: 'a', uid: 'uid-a' },
    ]);
  });

  it('is never a young object', () => {
    expect(findOrphanObjects({ pods: [object('a', REAP_AGE_SECONDS)], volumes: [object('b', 0)] }, nothing)).toEqual(
      [],
    );
  });

  it('is nothing of a live session, and no volume that is held', () => {
    const objects = { pods: [object('a'), object('b')], volumes: [object('a'), object('b')] };
    const live = { ...nothing, active: new Set(['a']), held: new Set(['b']) };
    expect(findOrphanObjects(objects, live)).toEqual([{ kind: 'pod', uuid: 'b', uid: 'uid-b' }]);
  });
});

describe('the brakes', () => {
  it('trust a database only with the token of the last completed run', () => {
    expect(distrust({ last: 't', database: 't', accepted: '0' }, 9)).toBeNull();
    expect(distrust({ last: 't', database: 'u', accepted: '0' }, 0)).toContain('accept-database');
    expect(distrust({ last: null, database: 't', accepted: '0' }, 1)).toContain('accept-database');
    expect(distrust({ last: 't', database: null, accepted: '0' }, 1)).toContain('accept-database');
    expect(distrust({ last: null, database: null, accepted: '0' }, 1)).toContain('accept-database');
  });

  it('let a first run pass while there is nothing, and any run after an operator accepted the database', () => {
    expect(distrust({ last: null, database: null, accepted: '0' }, 0)).toBeNull();
    expect(distrust({ last: 't', database: '0', accepted: '0' }, 9)).toBeNull();
  });

  const orphans = (count: number, kind: 'pod' | 'volume' = 'pod') =>
    Array.from({ length: count }, (_, index) => ({ kind, uuid: `${kind}${index}`, uid: `${kind}${index}` }));
  const share = (count: number, all: number, more: { accepted?: boolean; kept?: number } = {}): ReapShare => {
    const kept = orphans(more.kept ?? 0, 'volume');
    return shareOfRun([...orphans(count), ...kept], {
      objects: Array.from({ length: all }, (_, index) => object(`s${index}`)),
      expired: new Set(kept.map(({ uid }) => uid)),
      accepted: more.accepted ?? false,
    });
  };

  it('refuse to clean up more than five sessions or a tenth', () => {
    expect(share(5, 5).alarm).toBeNull();
    expect(share(6, 50).alarm).toContain('at most 5');
    expect(share(6, 50).orphans).toEqual([]);
    expect(share(10, 100).alarm).toBeNull();
    expect(share(11, 100).alarm).toContain('at most 10');
    expect(share(11, 100).alarm).toContain('accept-database');
  });

  it('bound every run, and refuse none, after an operator accepted the database', () => {
    expect(share(11, 100, { accepted: true })).toEqual({ orphans: orphans(10), more: true, alarm: null });
    expect(share(10, 100, { accepted: true })).toEqual({ orphans: orphans(10), more: false, alarm: null });
  });

  it('count volumes apart whose time is over, and bound what goes of them in one run', () => {
    expect(share(5, 50, { kept: 5 })).toEqual({
      orphans: [...orphans(5), ...orphans(5, 'volume')],
      more: false,
      alarm: null,
    });
    expect(share(0, 50, { kept: 40 })).toEqual({ orphans: orphans(5, 'volume'), more: false, alarm: null });
    expect(share(6, 50, { kept: 1 })).toMatchObject({ orphans: [], more: true });
  });

  it('let both objects of a session go in one run', () => {
    const both = orphans(6).flatMap((pod) => [pod, { ...pod, kind: 'volume' as const }]);
    expect(shareOfRun(both, { objects: [], expired: new Set(), accepted: true }).orphans).toEqual(both.slice(0, 10));
  });
});
