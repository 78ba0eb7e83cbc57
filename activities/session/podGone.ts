import { isAppError } from '#shared/domain/errors.ts';
import type { Runtime } from '#platform/runtime/Runtime.ts';
import { podFailure } from '#activities/session/podCauses.ts';

/**
 * Makes activities that talk to the agent fail at once and for good when the pod is gone: nothing but a new pod helps, and
 * that is the workflow's to decide. A pod that may still answer is tried again as usual.
 */
export function endWhenPodIsGone<Activities extends object>(
  runtime: Pick<Runtime, 'status'>,
  activities: Activities,
): Activities {
  const refuseGone = async (uuid: string): Promise<void> => {
    const { status, cause } = await runtime.status(uuid);
    if (status !== 'gone') return;
    throw podFailure(`The pod is gone${cause === null ? '' : ` (${cause})`}.`, { cause, hopeless: false });
  };
  const guarded = Object.entries(activities).map(([name, activity]) => [
    name,
    async (input: { uuid: string }) => {
      await refuseGone(input.uuid);
      try {
        return await (activity as (given: { uuid: string }) => Promise<unknown>)(input);
      } catch (error) {
        if (isAppError(error, 'AGENT_UNREACHABLE')) await refuseGone(input.uuid);
        throw error;
      }
    },
  ]);
  return Object.fromEntries(guarded) as Activities;
}
