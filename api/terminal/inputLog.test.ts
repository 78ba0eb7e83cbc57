import { INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';
import { createInputLog } from '#api/terminal/inputLog.ts';

const bytes = (text: string) => Buffer.from(text);
const numbers = (log: ReturnType<typeof createInputLog>, after: number) => log.after(after).map((input) => input.seq);

describe('the memory of typed input', () => {
  it('takes each number once, and none at or below the last that reached the terminal', () => {
    const log = createInputLog(4);
    expect([3, 4, 5, 5, 6].map((seq) => log.add({ seq, data: bytes('x') }))).toEqual([false, false, true, false, true]);
  });

  it('gives back what the terminal lacks, in order', () => {
    const log = createInputLog(0);
    for (const seq of [1, 2, 3]) log.add({ seq, data: bytes(`${seq}`) });
    expect(numbers(log, 1)).toEqual([2, 3]);
    expect(numbers(log, 3)).toEqual([]);
  });

  it('forgets the oldest beyond 512 KiB, and nothing of a window with the end of a paste beyond it', () => {
    const log = createInputLog(0);
    for (let seq = 1; seq <= 10; seq += 1) log.add({ seq, data: Buffer.alloc(65_536) });
    expect(numbers(log, 0)).toEqual([3, 4, 5, 6, 7, 8, 9, 10]);
    const full = createInputLog(0);
    for (let seq = 1; seq <= 4; seq += 1) full.add({ seq, data: Buffer.alloc(INPUT_WINDOW / 4) });
    full.add({ seq: 5, data: bytes('\u001b[201~') });
    expect(numbers(full, 0)).toEqual([1, 2, 3, 4, 5]);
  });
});
