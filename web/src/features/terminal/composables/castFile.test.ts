import { readCast, readCastSize } from './castFile.ts';

const HEADER = JSON.stringify({ version: 2, width: 100, height: 30 });

describe('a recording', () => {
  it('is read with its outputs and sizes in order; what was typed is not shown but counts its time', () => {
    const lines = [HEADER, '[0.5,"o","a"]', '[1,"r","90x20"]', '[2,"i","secret"]', ''];
    expect(readCast(lines.join('\n'))).toEqual({
      cols: 100,
      rows: 30,
      seconds: 2,
      events: [
        { at: 0.5, kind: 'output', text: 'a' },
        { at: 1, kind: 'size', text: '90x20' },
      ],
    });
  });

  it('that was cut off plays up to there, and its time never goes back', () => {
    const cast = readCast([HEADER, '[3,"o","a"]', '[1,"o","b"]', '[4,"o","cu'].join('\n'));
    expect(cast?.events.map(({ at }) => at)).toEqual([3, 3]);
    expect(cast?.seconds).toBe(3);
  });

  it('is refused when it is none, and never asks for an endless screen', () => {
    expect(readCast('')).toBeNull();
    expect(readCast('{"version":1}\n')).toBeNull();
    expect(readCast('{"version":2,"width":1e9,"height":-4}\n')).toMatchObject({ cols: 500, rows: 24 });
    expect(readCastSize('9999x2')).toEqual({ cols: 500, rows: 2 });
    expect(readCastSize('wide')).toBeNull();
  });
});
