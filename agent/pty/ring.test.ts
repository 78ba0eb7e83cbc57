import fc from 'fast-check';
import { Ring } from '#agent/pty/ring.ts';

describe('the ring', () => {
  it('holds exactly the last bytes, at their offsets, whatever comes in', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 40_000 }),
        fc.array(fc.integer({ min: 0, max: 30_000 }), { maxLength: 20 }),
        (limit, sizes) => {
          const ring = new Ring(limit);
          let all = Buffer.alloc(0);
          for (const [index, size] of sizes.entries()) {
            const chunk = Buffer.alloc(size).map((_, at) => (at * 7 + index * 13) & 0xff);
            ring.append(chunk);
            all = Buffer.concat([all, chunk]);
            expect(ring.end).toBe(all.length);
            // Never more than the limit, and never less than what fits.
            expect(ring.end - ring.start).toBe(Math.min(all.length, limit));
            expect(ring.slice(ring.start, ring.end).equals(all.subarray(ring.start))).toBe(true);
          }
        },
      ),
      { numRuns: 200 },
    );
  });

  it('gives any part of what it holds, and nothing else', () => {
    const ring = new Ring(10);
    ring.append(Buffer.from('0123456789abcde'));
    expect(ring.start).toBe(5);
    expect(ring.slice(7, 12).toString()).toBe('789ab');
    expect(() => ring.slice(4, 8)).toThrow(RangeError);
    expect(() => ring.slice(8, 16)).toThrow(RangeError);
  });

  it('counts offsets beyond 32 bits exactly', () => {
    const ring = new Ring(1024 * 1024);
    const chunk = Buffer.alloc(64 * 1024 * 1024);
    for (let count = 0; count < 70; count += 1) ring.append(chunk);
    ring.append(Buffer.from('tail'));
    expect(ring.end).toBe(70 * 64 * 1024 * 1024 + 4);
    expect(ring.slice(ring.end - 4, ring.end).toString()).toBe('tail');
  });
});
