/** A row of `events`. */
export interface EventRecord {
  subject: 'session' | 'review';
  subjectId: number;
  seq: number;
  kind: string;
  payload: unknown;
  createdAt: Date;
}

/** The one LISTEN connection of a process. It reconnects by itself and then reads what it missed. */
export interface EventListener {
  /** Calls back with each event of the subject after `afterSeq`, in order and without gaps; `reset` when they are no longer kept. */
  subscribe(
    subject: { subject: 'session' | 'review'; id: number },
    afterSeq: number,
    subscriber: { event(event: EventRecord): void; reset(seq: number): void },
  ): () => void;
  /** Calls back for a notice on another channel, and after every reconnect (null): look for yourself then. */
  onNotice(
    channel: 'berth_intents' | 'berth_events' | 'berth_notifications',
    notice: (payload: string | null) => void,
  ): () => void;
  close(): Promise<void>;
}
