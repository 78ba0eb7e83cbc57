import { z } from 'zod';

/*
 * The part of the agent's protocol that is about previews: which ports the session's programs listen on, and connections
 * to them.
 */

/** Connections to programs of one session that are open at once. */
export const MAX_DIALS = 64;
/** Ports of one session that are told. */
export const MAX_LISTED_PORTS = 100;

const port = z.int().min(1).max(65_535);

/** The kinds of requests about ports. */
export const PORT_REQUESTS = [
  /** Answered by `PortList`. */
  z.strictObject({ kind: z.literal('ports.list') }),
  /** Answered by `Dialed`; then data both ways, and each side says `end` when its direction is over. */
  z.strictObject({ kind: z.literal('dial'), port }),
] as const;

/** A port that a program of the session listens on; `program` is null when nobody can tell which. */
export const ListeningPort = z.strictObject({ port, program: z.string().max(64).nullable() });
/** A port that a program of the session listens on. */
export type ListeningPort = z.infer<typeof ListeningPort>;

/** Answer to `ports.list`, in the order of their numbers. */
export const PortList = z.strictObject({ ports: z.array(ListeningPort).max(MAX_LISTED_PORTS) });

/** First answer to `dial`: the program has taken the connection. */
export const Dialed = z.strictObject({ dialed: z.literal(true) });
/** First answer to `dial`. */
export type Dialed = z.infer<typeof Dialed>;
