import { readFilters, writeFilters } from './queueQuery.ts';

describe('the address of the queue', () => {
  it('says all filters and is read again as they were', () => {
    const filters = {
      status: 'withdrawn',
      priority: 'high',
      mine: true,
      overdue: true,
      author: 'ada',
      session: 'notes',
      text: '100% & more',
    } as const;
    expect(readFilters(writeFilters(filters))).toEqual(filters);
  });

  it('leaves out what narrows nothing', () => {
    expect(writeFilters({ mine: false, text: '', status: undefined })).toEqual({});
    expect(
      readFilters({ mine: 'false', text: ' ', author: ['a', 'b'], status: 'lost', view: 'all', unknown: '1' }),
    ).toEqual({});
  });
});
