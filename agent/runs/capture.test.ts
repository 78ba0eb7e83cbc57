import { randomBytes } from 'node:crypto';
import { Capture } from '#agent/runs/capture.ts';

describe('a captured output', () => {
  it.each([1, 100, 16 * 1024, 100_001])('is its first %i bytes, however they come, and the count of all', (limit) => {
    const bytes = randomBytes(150_000);
    const capture = new Capture(limit);
    for (let from = 0; from < bytes.byteLength; from += 7_777) {
      expect(capture.append(bytes.subarray(from, from + 7_777))).toBe(from < limit);
    }
    expect([capture.total, capture.kept]).toEqual([150_000, limit]);
    expect(capture.slice(0, limit).equals(bytes.subarray(0, limit))).toBe(true);
    expect(capture.slice(limit - 1, limit + 50).equals(bytes.subarray(limit - 1, limit))).toBe(true);
  });

  it('gives copies: what comes later changes nothing of them', () => {
    const capture = new Capture(10);
    const chunk = Buffer.from('abc');
    capture.append(chunk);
    const before = capture.slice(0, 3);
    chunk.fill('x');
    capture.append(Buffer.from('defghij'));
    expect(before.toString() + capture.slice(3, 10).toString()).toBe('abcdefghij');
  });
});
