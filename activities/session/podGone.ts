import { isAppError } from '#shared/domain/errors.ts';
import type { PodState, Runtime } from '#platform/runtime/Runtime.ts';
import { isRuntimeSilent, podFailure, runtimeSilent } from '#activities/session/podCauses.ts';

/**
 * Makes activities that talk to the agent fail at once and for good when the pod is gone: nothing but a new pod helps, and
 * that is the workflow's to decide. While nothing can be known of the pod they fail with RUNTIME_UNAVAILABLE, which decides
 * nothing. A pod that may still answer is tried again as usual.
 */
export function endWhenPodIsGone<Activities extends object>(
  runtime: Pick<Runtime, 'status'>,
  activities: Activities,
): Activities {
  const refuseGone = async (uuid: string): Promise<PodState> => {
    const state = await runtime.status(uuid);
    const { status, cause } = state;
    if (status !== 'gone') return state;
    throw podFailure(`The pod is gone${cause === null ? '' : ` (${cause})`}.`, { cause, hopeless: false });
  };
  const guarded = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: { uuid: string }) => {
      await refuseGone(input.uuid);
      try {
        return await (activity as (given: { uuid: string }) => Promise<unknown>)(input);
      } catch (error) {
        if (!isAppError(error, 'AGENT_UNREACHABLE')) throw error;
        const state = await refuseGone(input.uuid);
        throw isRuntimeSilent(state) ? runtimeSilent(state) : error;
      }
    },
  ]);
  return Object.fromEntries(guarded) as Activities;
}
