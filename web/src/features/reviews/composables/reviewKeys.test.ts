import { actionOfKey, neighbour, type KeyPress } from './reviewKeys.ts';

const press = (change: Partial<KeyPress>): KeyPress => ({
  key: 'j',
  ctrlKey: false,
  metaKey: false,
  altKey: false,
  defaultPrevented: false,
  place: 'page',
  ...change,
});

describe('a key of the review page', () => {
  it.each([
    ['does what the help says', {}, 'nextFile'],
    ['may need the shift key', { key: '?' }, 'help'],
    ['is no other key', { key: 'J' }, null],
    ['is left to who types', { place: 'field' }, null],
    ['is left to a dialog', { place: 'dialog' }, null],
    ['is left to the browser with Ctrl', { ctrlKey: true }, null],
    ['is left to the system with Meta', { metaKey: true }, null],
    ['is left to the menu with Alt', { altKey: true }, null],
    ['is done only once', { defaultPrevented: true }, null],
  ] as const)('%s', (_name, change, action) => {
    expect(actionOfKey(press(change))).toBe(action);
  });
});

describe('the neighbour in a list', () => {
  it('goes on in either direction and round', () => {
    const list = ['a', 'b', 'c'];
    expect([neighbour(list, 'a', 1), neighbour(list, 'c', 1), neighbour(list, 'a', -1)]).toEqual(['b', 'a', 'c']);
  });
  it('begins at an end, and is none in an empty list', () => {
    expect([neighbour(['a', 'b'], null, 1), neighbour(['a', 'b'], 'gone', -1), neighbour([], 'a', 1)]).toEqual([
      'a',
      'b',
      null,
    ]);
  });
});
