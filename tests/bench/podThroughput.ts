import { podName } from '#shared/domain/podNames.ts';
import type { HttpPerson } from '#tests/e2e/httpPerson.ts';
import { printPairs } from '#tests/bench/figures.ts';
import { openTerminal } from '#tests/bench/ground.ts';
import { rawExec } from '#tests/bench/rawExec.ts';
import type { PodName } from '#tests/bench/tar.ts';
import { PRINT, PRINTED_BYTES, printThrough } from '#tests/bench/throughput.ts';
import type { TestNamespace } from '#tests/support/cluster.ts';
import type { Stack } from '#tests/support/stack.ts';

const ROUNDS = 5;

/** 50 MiB through a terminal of a pod: by Berth, and by a terminal of the API server's exec in the same pod, in turns. */
export async function compareThroughput(
  { stack, person, namespace }: { stack: Stack; person: HttpPerson; namespace: TestNamespace },
  uuid: string,
): Promise<void> {
  const terminal = await openTerminal(stack.url, person, uuid);
  const pod = { namespace: namespace.name, name: podName(uuid) };
  const ours: number[] = [];
  const theirs: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    theirs.push(await printThroughExec(pod));
    ours.push(await printThrough(terminal));
  }
  terminal.leave();
  printPairs('50 MiB through a terminal beside exec', { ours, theirs, budget: 1 });
}

/** From its first byte to its last, so without the start of the program, which ours includes. Throws when bytes are missing. */
async function printThroughExec(pod: PodName): Promise<number> {
  // An exec may lose what is under way when its program ends: it ends only after we have all.
  const exec = await rawExec(pod, { command: ['sh', '-c', `${PRINT}; sleep 60`], tty: true });
  const complete = Promise.withResolvers<number>();
  let begun = 0;
  let received = 0;
  exec.onOutput((bytes) => {
    if (received === 0) begun = performance.now();
    received += bytes.byteLength;
    if (received >= PRINTED_BYTES) complete.resolve(performance.now() - begun);
  });
  void exec.ended.then(() => complete.reject(new Error(`exec ended after ${received} bytes.`)));
  const took = await complete.promise;
  exec.close();
  return took;
}
