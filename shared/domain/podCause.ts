/** Why a pod does not run as it should: a closed set, each shown to people with what to do. */
export const POD_CAUSES = [
  'image-pull',
  'unschedulable',
  'quota',
  'claim-not-bound',
  'crash-loop',
  'out-of-memory',
  'evicted',
  'disk-full',
  'node-lost',
  'pod-deleted',
  'process-ended',
] as const;
/** Why a pod does not run as it should. */
export type PodCause = (typeof POD_CAUSES)[number];
