import { deletionWord, fieldMoment, sourceWord } from './historyWords.ts';

describe('the words of a history', () => {
  it('say who and from where, and leave out whom nobody knows', () => {
    expect(sourceWord({ source: 'editor', createdBy: 'alice' })).toBe('alice, in the editor');
    expect(sourceWord({ source: 'terminal', createdBy: null })).toBe('in a terminal');
    expect(sourceWord({ source: 'starter', createdBy: 'alice' })).toBe('starter file');
    expect(deletionWord({ source: 'restore', deletedBy: 'alice' })).toBe('alice, by a restore');
    expect(deletionWord({ source: 'terminal', deletedBy: null })).toBe('in a terminal');
  });

  it('give a moment to a field and take the same one back', () => {
    const moment = new Date(1_790_000_000_000);
    expect(new Date(fieldMoment(moment))).toEqual(moment);
  });
});
