import { distrust, findOrphanObjects, REAP_AGE_SECONDS, tooMany } from '#activities/maintenance/reapRules.ts';

const object = (uuid: string, ageSeconds = REAP_AGE_SECONDS + 1) => ({
  uuid,
  uid: `uid-${uuid}`,
  generation: 1,
  ageSeconds,
});
const nothing = { active: new Set<string>(), held: new Set<string>() };

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
    const live = { active: new Set(['a']), held: new Set(['b']) };
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

  it('refuse to clean up more than five sessions or a tenth', () => {
    const orphans = (count: number) =>
      Array.from({ length: count }, (_, index) => ({ kind: 'pod' as const, uuid: `s${index}`, uid: `${index}` }));
    const objects = (count: number) => Array.from({ length: count }, (_, index) => object(`s${index}`));
    expect(tooMany(orphans(5), objects(5))).toBeNull();
    expect(tooMany(orphans(6), objects(50))).toContain('at most 5');
    expect(tooMany(orphans(10), objects(100))).toBeNull();
    expect(tooMany(orphans(11), objects(100))).toContain('at most 10');
  });
});
