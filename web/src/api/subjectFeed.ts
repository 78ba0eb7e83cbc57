import type { BerthEvent, Subject } from '#shared/contracts/events.ts';

/** Who is told about a subject. */
export interface SubjectFollower {
  event(event: BerthEvent): void;
  /** Events were missed for good: load afresh. */
  reset(): void;
}

/** Sends a subscription; resolves with the subject's present sequence number, or null when it was refused. */
export type SendSubscribe = (to: Subject, afterSeq: number | null) => Promise<number | null>;

/**
 * Keeps the place in one subject's events over reconnects. An event is delivered once and in order: a repeat (the api
 * sends again after a reconnect) is dropped by its number.
 */
export class SubjectFeed {
  readonly subject: Subject;
  private lastSeq: number | null;
  private readonly follower: SubjectFollower;
  private readonly send: SendSubscribe;

  constructor(subject: Subject, follower: SubjectFollower, start: { afterSeq: number | null; send: SendSubscribe }) {
    this.subject = subject;
    this.follower = follower;
    this.lastSeq = start.afterSeq;
    this.send = start.send;
  }

  /** Subscribes, at the start and after each reconnect, from the last event that was delivered. */
  async join(): Promise<void> {
    const seq = await this.send(this.subject, this.lastSeq);
    if (seq !== null) this.lastSeq ??= seq;
  }

  /** Takes an event from the socket. */
  receive(event: BerthEvent): void {
    if (this.lastSeq !== null && event.seq <= this.lastSeq) return;
    this.lastSeq = event.seq;
    this.follower.event(event);
  }

  /** The api no longer keeps what follows; everything is loaded afresh from `seq` on. */
  receiveReset(seq: number): void {
    this.lastSeq = seq;
    this.follower.reset();
  }
}

/** One text per subject, to find its feed. */
export function subjectKey(subject: Subject): string {
  return subject.subject === 'session' ? `session/${subject.uuid}` : `review/${subject.id}`;
}
