import { PtyControl, type AgentRequest, type CallerHello, type PtyAnswer } from '#shared/contracts/agentProtocol.ts';
import type { Channel, ChannelReceiver } from '#shared/domain/channel.ts';
import { ProtocolError } from '#shared/domain/frames.ts';
import { INPUT_WINDOW } from '#shared/domain/terminalFlow.ts';
import type { Terminals } from '#agent/pty/terminals.ts';

/** Joins a terminal: its output flows to the channel until that closes. Fails with TERMINAL_NOT_FOUND. */
export function joinTerminal(
  { terminals, caller }: { terminals: Terminals; caller: CallerHello },
  channel: Channel,
  request: Extract<AgentRequest, { kind: 'pty' }>,
): ChannelReceiver {
  const terminal = terminals.get(request.id);
  const tell = (answer: PtyAnswer): void => channel.post(answer);
  const { reader, ...joined } = terminal.join({
    ...request,
    sink: { output: (bytes) => channel.sendOutput(bytes), tell, takesInputTaken: caller.takesInputTaken },
  });
  tell({ joined: caller.takesInputTaken ? { ...joined, inputWindow: INPUT_WINDOW } : joined });
  terminal.begin(reader);
  return {
    message: (value, bytes) => {
      channel.grant(bytes);
      const control = PtyControl.safeParse(value);
      if (!control.success) throw new ProtocolError('A terminal control is not valid.');
      if ('ack' in control.data) terminal.acknowledge(reader, control.data.ack);
      else if ('resize' in control.data) terminal.resize(reader, control.data.resize);
      else terminal.setCounts(reader, control.data.counts);
    },
    input: (seq, bytes) => terminal.input(reader, { seq, bytes }),
    ended: () => terminal.leave(reader, { clean: true }),
    closed: () => terminal.leave(reader, { clean: true }),
    failed: () => terminal.leave(reader, { clean: false }),
  };
}
