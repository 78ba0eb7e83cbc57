import { REVIEW_STATUSES } from '#shared/domain/review.ts';
import { REVIEW_TRANSITION_ACTIONS, statusesOf } from '#shared/domain/reviewTransitions.ts';

const EDGES = new Set(['pending → in_review', 'in_review → approved', 'in_review → rejected']);

describe('the transitions of a review', () => {
  it('use the three edges and no other, over every action and status', () => {
    const used = new Set<string>();
    for (const action of REVIEW_TRANSITION_ACTIONS) {
      for (const from of REVIEW_STATUSES) {
        let status = from;
        for (const next of statusesOf(action, from) ?? []) {
          if (next !== status) used.add(`${status} → ${next}`);
          status = next;
        }
      }
    }
    expect(used).toEqual(EDGES);
  });

  it.each(REVIEW_TRANSITION_ACTIONS)('%s is illegal once there is a verdict', (action) => {
    expect([statusesOf(action, 'approved'), statusesOf(action, 'rejected')]).toEqual([null, null]);
  });

  it('give no verdict on a pending review without a claim in between', () => {
    for (const action of ['approve', 'reject', 'override'] as const) {
      expect(statusesOf(action, 'pending')?.[0]).toBe('in_review');
    }
  });
});
