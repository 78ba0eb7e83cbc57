import type { Runtime, RuntimeObject } from '#platform/runtime/Runtime.ts';

/** The same runtime, whose objects all say that they are `seconds` old: nobody waits ten minutes for the reaper in a test. */
export function agedRuntime(runtime: Runtime, seconds = 700): Runtime {
  const older = (object: RuntimeObject): RuntimeObject => ({ ...object, ageSeconds: seconds });
  return new Proxy(runtime, {
    get(target, name) {
      if (name === 'list')
        return async () => {
          const { pods, volumes } = await target.list();
          return { pods: pods.map(older), volumes: volumes.map(older) };
        };
      const member: unknown = Reflect.get(target, name);
      return typeof member === 'function' ? member.bind(target) : member;
    },
  });
}
