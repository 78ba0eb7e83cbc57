import { INPUT_TAKEN_EVERY, INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';
import { Typists } from '#agent/pty/typists.ts';

let told: number[];
let typists: Typists;
beforeEach(() => {
  told = [];
  typists = new Typists();
});

const accept = (seq: number, bytes = 1, clientId = 'ada') =>
  typists.accept(clientId, { seq, bytes }, (upTo) => told.push(upTo));

describe('an input', () => {
  it('is accepted once, whatever numbers come again', () => {
    expect([1, 2, 2, 1, 5, 4].map((seq) => accept(seq) !== null)).toEqual([true, true, false, false, true, false]);
    expect(typists.lastSeq('ada')).toBe(5);
    expect(typists.lastSeq('bob')).toBe(0);
  });

  it('is not accepted from a client that sends on while nothing is taken, and takes no number then', () => {
    let seq = 0;
    while (accept(seq + 1, 65_536) !== null) seq += 1;
    expect(seq * 65_536).toBeGreaterThan(INPUT_WINDOW);
    expect(seq * 65_536).toBeLessThanOrEqual(5 * INPUT_WINDOW);
    expect(typists.lastSeq('ada')).toBe(seq);
    expect(accept(1, 65_536, 'bob')).not.toBeNull();
  });
});

describe('its client', () => {
  it('is told once enough of it was taken, and not of every key', () => {
    const half = INPUT_TAKEN_EVERY / 2;
    for (let seq = 1; seq <= 6; seq += 1) accept(seq, half)?.();
    expect(told).toEqual([2, 4, 6]);
  });

  it('is told of single keys after many, so that it need not remember them for ever', () => {
    for (let seq = 1; seq <= 600; seq += 1) accept(seq)?.();
    expect(told).toEqual([256, 512]);
  });

  it('can be told at any time how far it was taken, whatever it was told before', () => {
    accept(3, 10)?.();
    accept(4, 10);
    expect(told).toEqual([]);
    expect(typists.takenSeq('ada')).toBe(3);
    expect(typists.takenSeq('bob')).toBe(0);
  });

  it('is forgotten when it was the longest without typing among very many', () => {
    accept(9);
    for (let other = 0; other < 300; other += 1) accept(1, 1, `client-${String(other)}`);
    expect(typists.lastSeq('ada')).toBe(0);
    expect(typists.lastSeq('client-299')).toBe(1);
  });
});
