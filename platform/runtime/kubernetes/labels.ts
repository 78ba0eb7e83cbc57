import type { V1ObjectMeta } from '@kubernetes/client-node';

const NAME = 'app.kubernetes.io/name';
const MANAGED_BY = 'app.kubernetes.io/managed-by';
const INSTALLATION = 'berth.dev/installation';
const SESSION = 'berth.dev/session';
const GENERATION = 'berth.dev/generation';
const VOLUME = 'berth.dev/volume';

/** What the labels of an object of ours say. */
export interface OwnLabels {
  installation: string;
  uuid: string;
  /** The opening that a pod or secret serves; null on a claim. */
  generation: number | null;
  /** The id of the volume's row; null on a secret. */
  volumeId: number | null;
}

/** The labels of an object of ours. */
export function ownLabels(
  labels: Partial<OwnLabels> & Pick<OwnLabels, 'installation' | 'uuid'>,
): Record<string, string> {
  const { installation, uuid, generation = null, volumeId = null } = labels;
  return {
    [NAME]: 'berth-session',
    [MANAGED_BY]: 'berth',
    [INSTALLATION]: installation,
    [SESSION]: uuid,
    ...(generation === null ? {} : { [GENERATION]: String(generation) }),
    ...(volumeId === null ? {} : { [VOLUME]: String(volumeId) }),
  };
}

/** What the labels say, null when the object is not one of Berth's. */
export function readOwnLabels(metadata: V1ObjectMeta | undefined): OwnLabels | null {
  const labels = metadata?.labels ?? {};
  const installation = labels[INSTALLATION];
  const uuid = labels[SESSION];
  if (labels[MANAGED_BY] !== 'berth' || installation === undefined || uuid === undefined) return null;
  return { installation, uuid, generation: readCount(labels[GENERATION]), volumeId: readCount(labels[VOLUME]) };
}

/** Selects every object of an installation. */
export function installationSelector(installation: string): string {
  return `${MANAGED_BY}=berth,${INSTALLATION}=${installation}`;
}

function readCount(value: string | undefined): number | null {
  return value !== undefined && /^\d{1,15}$/.test(value) ? Number(value) : null;
}
