import { AppError } from '#shared/domain/errors.ts';
import { KubernetesError } from '#platform/runtime/kubernetes/kubernetesError.ts';

/**
 * Does the work. When the API server did not answer, or something that stands before it did, that is told as
 * RUNTIME_UNAVAILABLE: nothing is known then, and whoever asked has to wait. A refusal of the API server itself passes.
 */
export async function tellingOutage<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof KubernetesError) || !isOutage(error)) throw error;
    throw new AppError('RUNTIME_UNAVAILABLE', { detail: error.message, cause: error });
  }
}

/** 401: a certificate or token that is being replaced. A 404 without its reason is a page of a proxy. */
function isOutage({ status, reason }: KubernetesError): boolean {
  if (status === null || status >= 500 || status === 429 || status === 401) return true;
  return status === 404 && reason === null;
}
