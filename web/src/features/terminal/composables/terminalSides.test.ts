import { joinSides, keepExisting, NO_SIDES, select, showBeside } from './terminalSides.ts';

const two = { ids: ['a', 'b'], active: 'b' };

describe('terminals side by side', () => {
  it('begin with one, and a selected one takes the place of the active one', () => {
    expect(select(NO_SIDES, 'a')).toEqual({ ids: ['a'], active: 'a' });
    expect(select({ ids: ['a'], active: 'a' }, 'c')).toEqual({ ids: ['c'], active: 'c' });
    expect(select(two, 'c')).toEqual({ ids: ['a', 'c'], active: 'c' });
  });

  it('stay where they are when one of them is selected', () => {
    expect(select(two, 'a')).toEqual({ ids: ['a', 'b'], active: 'a' });
  });

  it('are two at most', () => {
    expect(showBeside({ ids: ['a'], active: 'a' }, 'b')).toEqual(two);
    expect(showBeside(two, 'c')).toEqual({ ids: ['b', 'c'], active: 'c' });
    expect(showBeside(two, 'a')).toEqual({ ids: ['b', 'a'], active: 'a' });
  });

  it('become one again: the active one', () => {
    expect(joinSides(two)).toEqual({ ids: ['b'], active: 'b' });
  });

  it('lose those that have ended, and never show nothing while there is one', () => {
    expect(keepExisting(two, ['a', 'c'])).toEqual({ ids: ['a'], active: 'a' });
    expect(keepExisting(two, ['c'])).toEqual({ ids: ['c'], active: 'c' });
    expect(keepExisting(two, [])).toEqual(NO_SIDES);
    expect(keepExisting(NO_SIDES, ['a', 'b'])).toEqual({ ids: ['a'], active: 'a' });
    expect(keepExisting(two, ['b', 'a'])).toEqual(two);
  });
});
