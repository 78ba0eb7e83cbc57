import { jest } from '@jest/globals';
import { ACK_EVERY, ACK_WITHIN_MS, Acknowledger } from '#shared/domain/terminalFlow.ts';

let said: number[];
let acknowledger: Acknowledger;
beforeEach(() => {
  jest.useFakeTimers();
  said = [];
  acknowledger = new Acknowledger((offset) => said.push(offset));
});
afterEach(() => jest.useRealTimers());

describe('an acknowledgement', () => {
  it('is sent at once when as much as ACK_EVERY is owed, and not before', () => {
    acknowledger.took(ACK_EVERY - 1);
    expect(said).toEqual([]);
    acknowledger.took(ACK_EVERY);
    acknowledger.took(ACK_EVERY + 10);
    acknowledger.took(3 * ACK_EVERY);
    expect(said).toEqual([ACK_EVERY, 3 * ACK_EVERY]);
  });

  it('is sent within ACK_WITHIN_MS of the first byte owed, however steadily more comes', () => {
    for (let taken = 1; taken <= 4; taken += 1) {
      acknowledger.took(taken);
      jest.advanceTimersByTime(ACK_WITHIN_MS / 4);
    }
    expect(said).toEqual([4]);
    jest.advanceTimersByTime(10 * ACK_WITHIN_MS);
    expect(said).toEqual([4]);
  });

  it('never goes backwards, and owes nothing of what lay before a new start', () => {
    acknowledger.took(10);
    acknowledger.startAt(1_000);
    acknowledger.took(10);
    jest.advanceTimersByTime(ACK_WITHIN_MS);
    expect(said).toEqual([]);
  });

  it('is not sent any more after a stop', () => {
    acknowledger.took(10);
    acknowledger.stop();
    jest.advanceTimersByTime(ACK_WITHIN_MS);
    expect(said).toEqual([]);
  });
});
