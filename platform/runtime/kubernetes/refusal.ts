import { AppError } from '#shared/domain/errors.ts';
import { KubernetesError, saysQuotaExceeded } from '#platform/runtime/kubernetes/kubernetesError.ts';

/**
 * What to tell of a create that the cluster refused: POD_REFUSED where a quota is used up, INTERNAL where the cluster
 * does not allow what Berth asks for (a policy, missing rights, an invalid setting), anything else as it is.
 */
export function toRefusal(error: unknown): unknown {
  if (saysQuotaExceeded(error)) {
    return new AppError('POD_REFUSED', { data: { cause: 'quota' }, cause: error });
  }
  if (error instanceof KubernetesError && (error.status === 403 || error.status === 422)) {
    return new AppError('INTERNAL', { detail: `The cluster refuses: ${error.message}`, cause: error });
  }
  return error;
}
