import type { Duplex } from 'node:stream';
import type { PodCause } from '#shared/domain/podCause.ts';

/** What is known about a session's pod. `unknown` never destroys anything; `gone` was read by ourselves. */
export type PodStatus = 'running' | 'starting' | 'restarting' | 'gone' | 'unknown';

/** A pod's state with the cause, in the closed set of causes that people are shown a remedy for. */
export interface PodState {
  status: PodStatus;
  /** Why it does not run, or why it ran anew: of a restarted container the end of the one before. */
  cause: PodCause | null;
  podUid: string | null;
  /** Waiting does not mend it, and a person has to: an image that is never pulled, say, or a program that crashed again and again. */
  hopeless?: boolean;
  /** The runtime's own words, for operators alone. */
  detail?: string | null;
}

/** What a pod is made from. `volumeId` is the row's id and is also written to the volume's sentinel file. */
export interface PodSpec {
  uuid: string;
  generation: number;
  volumeId: number;
  claimUid: string;
  language: string;
}

/** An object that the runtime holds for Berth. */
export interface RuntimeObject {
  uuid: string;
  uid: string;
  generation: number | null;
  ageSeconds: number;
}

/**
 * Where sessions run. Every method is idempotent and keyed by the session's uuid; adapters pass the same contract tests
 * (`platform/runtime/contract.ts`). What makes, removes or lists rejects with RUNTIME_UNAVAILABLE while the runtime itself
 * does not answer.
 */
export interface Runtime {
  /** What people should know about how sessions are isolated; null when there is nothing to warn of. */
  readonly warning: string | null;
  /** Names what pods are made from now (`specificationOf`); a pod that was made under another name is out of date. */
  readonly specification: string;
  /** Makes the volume if it is not there. The sentinel file on it carries `volumeId`. Rejects with POD_REFUSED, as ensurePod does. */
  ensureVolume(uuid: string, volumeId: number): Promise<{ claimUid: string }>;
  /**
   * Makes the pod, or adopts one of this very generation and volume; waits for another one to be gone. Rejects with
   * POD_REFUSED (`data.cause` a PodCause: `quota`, say) when the runtime will not have it.
   */
  ensurePod(spec: PodSpec): Promise<{ podUid: string }>;
  /** What is known about the pod now. */
  status(uuid: string): Promise<PodState>;
  /** A raw byte stream to the agent of that generation. Rejects with AGENT_UNREACHABLE. */
  connect(uuid: string, generation: number): Promise<Duplex>;
  /**
   * Resolves once the pod is gone (only the one with `podUid`, and none of a generation above `upTo`, when given). Leaves the
   * volume. The key of generation `upTo` goes with it, though the pod itself may have gone before. `force` waits for no
   * confirmation of its node: for a lost node alone, and only when nothing is on the volume or a person has given it up.
   */
  destroyPod(uuid: string, podUid?: string, how?: { force?: boolean; upTo?: number }): Promise<void>;
  /** Resolves once the volume with that uid is gone. */
  destroyVolume(uuid: string, claimUid: string): Promise<void>;
  /** Everything that carries this installation's id. */
  list(): Promise<{ pods: RuntimeObject[]; volumes: RuntimeObject[] }>;
  /** Calls back with a session's uuid when its pod may have changed; a hint. Returns the way to stop. */
  watch(changed: (uuid: string) => void): () => void;
  /** Releases what the adapter holds in this process; pods go on. */
  close(): Promise<void>;
}
